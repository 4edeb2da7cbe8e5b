#include <algorithm>
#include <cmath>

#include "core/forecast/models/count_fit.h"
#include "core/forecast/models/models.h"
#include "core/forecast/models/self_excitation.h"
#include "core/forecast/state_bytes.h"

namespace forewarm {
namespace {

constexpr std::size_t kArrivalsMeasuredMin = 8;
constexpr std::size_t kArrivalsStepsMax = 20'160;
constexpr std::size_t kArrivalsSeasonsMax = 4;
constexpr std::size_t kArrivalsOriginsMax = 160;

/// Arrivals that bring arrivals: retries, fan-outs, a crowd. What is above the season's normal now decays
/// into the next seconds to minutes through exponential kernels of several time constants, each with as much
/// weight as the series itself shows, and what is left is the normal: a discrete self-exciting process
/// (Hawkes 1971) as an integer-valued autoregression of infinite order (Kirchner 2017). Counts scatter around
/// it as negative binomial ones, by as much as they did at each lead. Regressors are not used.
class LocalArrivals final : public Forecaster {
 public:
  ModelId id() const override { return ModelId::LocalArrivals; }

  Result<void> fit(const SeriesView& history) override {
    begin_after(history);
    ValueHistory values;
    values.assign(history.values.last(std::min(history.values.size(), kArrivalsStepsMax)));
    fitted_ = values.measured() >= kArrivalsMeasuredMin;
    if (!fitted_) {
      return error(ErrorCode::Invalid,
                   "the model of local arrivals needs " + std::to_string(kArrivalsMeasuredMin) +
                       " measured steps, but the history has " + std::to_string(values.measured()));
    }
    const CountSeason untaught =
        choose_count_season(values, learnable_seasons(history.seasons, values.size(), kArrivalsSeasonsMax));
    excitation_ = fit_excitation(values, untaught);
    measure_scatter(values, untaught);
    position_ = values.size();
    highest_ = 0;
    for (std::size_t t = 0; t < values.size(); ++t) {
      if (values.measured_at(t)) highest_ = std::max(highest_, values[t]);
    }
    const std::uint32_t period = season_.base.shape().period;
    persistence_ = surprise_persistence(values, period > 1 ? period : 0);
    return {};
  }

  void update(float given, std::span<const float>) override {
    pass_step();
    if (std::isfinite(given)) {
      const double value = std::clamp(static_cast<double>(given), 0.0, 1e15);
      const double normal = season_.at(position_);
      if (normal > 0) excitation_.update(value, normal);
      season_.update(position_, value);
      highest_ = std::max(highest_, value);
    }
    ++position_;
  }

  std::vector<LevelValues> rows(std::span<const std::size_t> leads, Columns) const override {
    std::size_t lead_max = 0;
    for (const std::size_t lead : leads) lead_max = std::max(lead_max, lead);
    const std::vector<double> expected = expected_until(lead_max, position_);
    std::vector<LevelValues> rows;
    for (const std::size_t lead : leads) {
      rows.push_back(scatters_.at(lead).around(std::min(expected[lead - 1], highest_), 0).quantiles());
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
    archive(model.excitation_);
    archive(model.scatters_);
    CountSeason::fields(model.season_, archive);
  }
  bool settle() {
    return step_ > Duration(0) && persistence_ >= 0 && persistence_ < 1 && highest_ >= 0 &&
           highest_ <= 1e15 && excitation_.is_sound() && scatters_.is_sound() && season_.settle();
  }

 private:
  double persistence() const override { return persistence_; }

  /// Expected counts of the steps from `from` on.
  std::vector<double> expected_until(std::size_t lead_max, std::uint64_t from) const {
    std::vector<double> normal(lead_max);
    for (std::size_t h = 0; h < lead_max; ++h) normal[h] = season_.at(from + h);
    return excitation_.expected(normal);
  }

  /// Leaves excitation and season where the history ends.
  void measure_scatter(const ValueHistory& values, const CountSeason& untaught) {
    season_ = untaught;
    std::array<std::vector<CountPair>, LeadScatters::kLeads.size()> pairs;
    const auto look_ahead = [&](std::size_t i, std::size_t origin) {
      const std::vector<double> expected = expected_until(LeadScatters::kLeads.back(), origin);
      for (std::size_t l = i % 2; l < pairs.size(); l += 2) {
        const std::size_t at = origin + LeadScatters::kLeads[l] - 1;
        if (at >= values.size() || !values.measured_at(at)) continue;
        pairs[l].push_back({.expected = expected[LeadScatters::kLeads[l] - 1], .value = values[at]});
      }
    };
    const std::vector<std::size_t> origins = spread_origins(values.size(), kArrivalsOriginsMax);
    walk_counts(
        values, origins, season_, [&](std::size_t i) { look_ahead(i, origins[i]); },
        [&](std::size_t t, double normal) { excitation_.update(values[t], normal); });
    scatters_ = LeadScatters::fit(pairs);
  }

  double persistence_ = 0;
  double highest_ = 0;
  std::uint64_t position_ = 0;  ///< steps since the first of the fitted history
  SelfExcitation excitation_;
  CountSeason season_;
  LeadScatters scatters_;
};

}  // namespace

std::unique_ptr<Forecaster> make_local_arrivals() {
  return std::make_unique<LocalArrivals>();
}

}  // namespace forewarm
