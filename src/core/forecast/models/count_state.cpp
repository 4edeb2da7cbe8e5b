#include <algorithm>
#include <cmath>
#include <limits>

#include "core/forecast/models/count_fit.h"
#include "core/forecast/models/models.h"
#include "core/forecast/state_bytes.h"

namespace forewarm {
namespace {

constexpr std::size_t kCountMeasuredMin = 8;
constexpr std::size_t kCountStepsMax = 20'160;
constexpr std::size_t kCountSeasonsMax = 4;
constexpr std::size_t kCountOriginsMax = 128;
constexpr std::size_t kCountOriginsToWiden = 112;
constexpr std::uint32_t kCountLeads[] = {1, 4, 16, 48};
constexpr double kCountDiscounts[] = {0.95, 0.7, 0.87, 0.98, 0.997};
constexpr double kCountReversions[] = {1, 0.98, 0.85, 0};

/// Counts as a Poisson series with a gamma distributed level that is discounted step by step (Smith and
/// Miller 1986; Harvey and Fernandes 1989; West and Harrison, Bayesian Forecasting and Dynamic Models, 1997,
/// chapter 14), times one or two seasonal factors. The level stays gamma, so what comes next is exactly
/// negative binomial. Discount, return to the season's normal, factors and the overdispersion at each lead
/// are chosen by predictive likelihood on the series itself. Regressors are not used.
class CountState final : public Forecaster {
 public:
  ModelId id() const override { return ModelId::CountState; }

  Result<void> fit(const SeriesView& history) override {
    begin_after(history);
    ValueHistory values;
    values.assign(history.values.last(std::min(history.values.size(), kCountStepsMax)));
    fitted_ = values.measured() >= kCountMeasuredMin;
    if (!fitted_) {
      return error(ErrorCode::Invalid, "the count model needs " + std::to_string(kCountMeasuredMin) +
                                           " measured steps, but the history has " +
                                           std::to_string(values.measured()));
    }
    const std::vector<std::uint32_t> seasons =
        learnable_seasons(history.seasons, values.size(), kCountSeasonsMax);
    const CountSeason season = choose_count_season(values, seasons);
    choose_level(values, season);
    measure_scatter(values, season);
    position_ = values.size();
    const std::uint32_t period = season.base.shape().period;
    persistence_ = surprise_persistence(values, period > 1 ? period : 0);
    highest_ = 0;
    for (std::size_t t = 0; t < values.size(); ++t) {
      if (values.measured_at(t)) highest_ = std::max(highest_, values[t]);
    }
    return {};
  }

  void update(float given, std::span<const float>) override {
    pass_step();
    if (std::isfinite(given)) {
      const double value = std::clamp(static_cast<double>(given), 0.0, 1e15);
      const double exposure = season_.at(position_);
      if (exposure > 0) level_.update(value, exposure);
      season_.update(position_, value);
      highest_ = std::max(highest_, value);
    }
    ++position_;
  }

  std::vector<LevelValues> rows(std::span<const std::size_t> leads, Columns) const override {
    std::vector<LevelValues> rows;
    for (const std::size_t lead : leads) {
      const double mean = season_.at(position_ + lead - 1) * level_.mean(lead, reversion_);
      // A level learnt at night must not rule the day.
      const double bounded = std::min(mean, highest_);
      rows.push_back(scatters_.at(lead).around(bounded, level_.spread()).quantiles());
    }
    return rows;
  }

  std::string save() const override { return save_model(*this); }
  Result<void> load(std::string_view state) override { return load_model(*this, state); }

  static constexpr std::uint8_t kStateVersion = 1;
  static void fields(auto& model, auto& archive) {
    progress(model, archive);
    archive(model.persistence_);
    archive(model.position_);
    archive(model.highest_);
    archive(model.reversion_);
    archive(model.level_);
    archive(model.scatters_);
    CountSeason::fields(model.season_, archive);
  }
  bool settle() {
    if (step_ <= Duration(0) || !(persistence_ >= 0 && persistence_ < 1)) return false;
    if (!(reversion_ >= 0 && reversion_ <= 1) || !(highest_ >= 0 && highest_ <= 1e15)) return false;
    return scatters_.is_sound() && level_.is_sound() && season_.settle();
  }

 private:
  double persistence() const override { return persistence_; }

  void choose_level(const ValueHistory& values, const CountSeason& untaught) {
    const std::vector<std::size_t> origins = spread_origins(values.size(), kCountOriginsMax);
    CountSeason season = untaught;
    std::vector<CountLevel> levels;
    for (const double discount : kCountDiscounts) levels.push_back({.discount = discount});
    constexpr std::size_t kCandidates = std::size(kCountDiscounts) * std::size(kCountReversions);
    std::vector<CountPair> pairs[kCandidates];
    const auto look_ahead = [&](std::size_t i) {
      const std::size_t lead = kCountLeads[i % std::size(kCountLeads)];
      const std::size_t at = origins[i] + lead - 1;
      if (at >= values.size() || !values.measured_at(at)) return;
      const double normal = season.at(at);
      for (std::size_t c = 0; c < kCandidates; ++c) {
        const CountLevel& level = levels[c / std::size(kCountReversions)];
        pairs[c].push_back(
            {.expected = normal * level.mean(lead, kCountReversions[c % std::size(kCountReversions)]),
             .spread = level.spread(),
             .value = values[at]});
      }
    };
    walk_counts(values, origins, season, look_ahead, [&](std::size_t t, double exposure) {
      for (CountLevel& level : levels) level.update(values[t], exposure);
    });
    double best = -std::numeric_limits<double>::infinity();
    for (std::size_t c = 0; c < kCandidates; ++c) {
      const double now = fit_scatter(pairs[c], 1).log_likelihood;
      if (!(now > best + 0.5)) continue;
      best = now;
      level_ = {.discount = kCountDiscounts[c / std::size(kCountReversions)]};
      reversion_ = kCountReversions[c % std::size(kCountReversions)];
    }
  }

  /// Leaves level and season where the history ends.
  void measure_scatter(const ValueHistory& values, const CountSeason& untaught) {
    season_ = untaught;
    std::array<std::vector<CountPair>, LeadScatters::kLeads.size()> pairs;
    const std::vector<std::size_t> origins = spread_origins(values.size(), kCountOriginsToWiden);
    const auto look_ahead = [&](std::size_t i) {
      for (std::size_t l = 0; l < pairs.size(); ++l) {
        const std::size_t lead = LeadScatters::kLeads[l];
        const std::size_t at = origins[i] + lead - 1;
        if (at >= values.size() || !values.measured_at(at)) continue;
        pairs[l].push_back({.expected = season_.at(at) * level_.mean(lead, reversion_),
                            .spread = level_.spread(),
                            .value = values[at]});
      }
    };
    walk_counts(values, origins, season_, look_ahead,
                [&](std::size_t t, double exposure) { level_.update(values[t], exposure); });
    scatters_ = LeadScatters::fit(pairs);
  }

  double persistence_ = 0;
  double highest_ = 0;
  double reversion_ = 1;
  std::uint64_t position_ = 0;  ///< steps since the first of the fitted history
  CountLevel level_;
  CountSeason season_;
  LeadScatters scatters_;
};

}  // namespace

std::unique_ptr<Forecaster> make_count_state() {
  return std::make_unique<CountState>();
}

}  // namespace forewarm
