#include <algorithm>
#include <cmath>
#include <limits>

#include "base/math.h"
#include "core/forecast/models/arima_order.h"
#include "core/forecast/models/arima_state.h"
#include "core/forecast/models/lead_errors.h"
#include "core/forecast/models/models.h"
#include "core/forecast/models/value_scale.h"
#include "core/forecast/quantile_set.h"
#include "core/forecast/state_bytes.h"

namespace forewarm {
namespace {

constexpr std::size_t kArimaMeasuredMin = 8;
constexpr std::size_t kArimaWindow = 1500;      // more steps would not change the parameters by much
constexpr std::uint32_t kArimaPeriodMax = 336;  // longer seasons have too few cycles in the window
constexpr double kArimaCostMax = 60'000;        // multiplications of an exact likelihood that is maximised
constexpr double kArimaStateCostMax = 300'000;  // and of one that only tells where the process stands
constexpr double kArimaCeiling = 3;             // times the largest value seen
constexpr std::size_t kArimaSearchSteps = 512;
constexpr std::size_t kArimaFarLead = 16;

struct ArimaCandidate {
  ValueScale scale = ValueScale::Plain;
  std::uint32_t period = 1;
};

/// Seasonal ARIMA with automatic order (Box and Jenkins 1970; Hyndman and Khandakar 2008, Automatic time
/// series forecasting: the forecast package for R) on the plain or the square-root scale, whichever predicts
/// better, with empirical quantiles of its own errors at each lead. At most one season, of up to 336 steps,
/// and only where three cycles of it fit into the window. Regressors are not used.
class Arima final : public Forecaster {
 public:
  ModelId id() const override { return ModelId::Arima; }

  Result<void> fit(const SeriesView& history) override {
    fitted_ = false;
    begin_after(history);
    const std::span<const float> window = history.values.last(std::min(history.values.size(), kArimaWindow));
    const auto measured = static_cast<std::size_t>(
        std::count_if(window.begin(), window.end(), [](float value) { return std::isfinite(value); }));
    if (measured < kArimaMeasuredMin) {
      return error(ErrorCode::Invalid, "an ARIMA model needs " + std::to_string(kArimaMeasuredMin) +
                                           " measured steps among the newest " +
                                           std::to_string(kArimaWindow) + ", but the history has " +
                                           std::to_string(measured));
    }
    const ArimaCandidate chosen = choose(window, history.seasons);
    scale_ = chosen.scale;
    const std::vector<double> values = onto_scale(window, scale_);
    const ArimaFit found = search_arima(values, {.period = chosen.period,
                                                 .orders_max = 20,
                                                 .finalists = 2,
                                                 .steps_max = kArimaSearchSteps,
                                                 .likelihood_cost_max = kArimaCostMax});
    const ArimaSeries series(values, found.order);
    state_ = settled_state(series, found, kArimaStateCostMax);
    state_.follow_level(kArimaFollow);
    errors_ = own_errors(series, found.process());
    persistence_ = found.process().persistence(8);
    ceiling_ = 0;
    for (const double value : values)
      ceiling_ = std::max(ceiling_, value == value ? off_scale(value, scale_) : 0);
    fitted_ = true;
    return {};
  }

  void update(float value, std::span<const float>) override {
    if (fitted_) {
      const double scaled = onto_scale(value, scale_);
      state_.update(scaled);
      if (scaled == scaled) ceiling_ = std::max(ceiling_, off_scale(scaled, scale_));
    }
    pass_step();
  }

  std::vector<LevelValues> rows(std::span<const std::size_t> leads, Columns) const override {
    std::vector<double> expected(leads.size());
    state_.expected(leads, expected);
    std::vector<LevelValues> rows;
    rows.reserve(leads.size());
    for (std::size_t i = 0; i < leads.size(); ++i) {
      LevelValues row = errors_.around(expected[i], leads[i]);
      for (double& value : row) value = std::min(off_scale(value, scale_), kArimaCeiling * ceiling_);
      rows.push_back(row);
    }
    return rows;
  }

  std::string save() const override { return save_model(*this); }
  Result<void> load(std::string_view state) override { return load_model(*this, state); }

  static constexpr std::uint8_t kStateVersion = 1;
  static void fields(auto& model, auto& archive) {
    progress(model, archive);
    archive(model.scale_);
    archive(model.ceiling_);
    archive(model.persistence_);
    ArimaState::fields(model.state_, archive);
    LeadErrors::fields(model.errors_, archive);
  }
  bool settle() const {
    if (step_ <= Duration(0) || !is_sound(scale_)) return false;
    if (!(ceiling_ >= 0 && ceiling_ <= 1e16) || !(std::abs(persistence_) <= 1)) return false;
    return !fitted_ || (state_.is_sound() && errors_.is_sound());
  }

 private:
  double persistence() const override { return persistence_; }

  /// The scale and season whose plain (1, d, 1)(0, D, 1) predicts best, by absolute errors in messages one
  /// and some steps ahead over the last third, of a fit to what is before.
  static ArimaCandidate choose(std::span<const float> window, std::span<const std::uint32_t> seasons) {
    std::vector<std::uint32_t> periods;
    for (const std::uint32_t season : seasons) {
      if (season >= 2 && season <= kArimaPeriodMax && 3 * std::size_t{season} <= window.size())
        periods.push_back(season);
    }
    // The scale without a season, then the season on that scale.
    ArimaCandidate best{ValueScale::SquareRoot, 1};
    double least = trial_loss(onto_scale(window, best.scale), best.scale, best.period);
    const auto compete = [&](ValueScale scale, std::uint32_t period) {
      const double loss = trial_loss(onto_scale(window, scale), scale, period);
      if (loss >= least) return;
      least = loss;
      best = {scale, period};
    };
    compete(ValueScale::Plain, 1);
    for (const std::uint32_t period : periods) compete(best.scale, period);
    return best;
  }

  static double trial_loss(std::span<const double> values, ValueScale scale, std::uint32_t period) {
    const std::size_t learnt = values.size() - values.size() / 3;
    const ArimaOrder order = differences_of(values.first(learnt), {.period = period});
    ArimaOrder simple = order;
    simple.ar = simple.ma = 1;
    simple.seasonal_ma = order.period > 1 && order.seasonal_differences > 0 ? 1 : 0;
    simple.seasonal_ar = order.period > 1 && order.seasonal_differences == 0 ? 1 : 0;
    simple.constant = order.lost() == 0;
    if (learnt <= simple.lost() + simple.ar_reach() + 3) return std::numeric_limits<double>::infinity();
    const ArimaSeries series(values.first(learnt), simple);
    const ArimaFit fit = fit_conditional(series, simple, nullptr, 4);
    ArimaState state = settled_state(series, fit, kArimaCostMax);
    double sum = 0;
    const std::size_t leads[] = {1,
                                 std::min<std::size_t>(kArimaFarLead, std::max<std::size_t>(2, learnt / 4))};
    double expected[2];
    for (std::size_t t = learnt; t < values.size(); ++t) {
      state.expected(std::span(leads, (t % 4 == 0 ? 2 : 1)), expected);
      for (std::size_t i = 0; i < (t % 4 == 0 ? 2 : 1); ++i) {
        const std::size_t at = t + leads[i] - 1;
        if (at >= values.size() || values[at] != values[at]) continue;
        const double error = off_scale(values[at], scale) - off_scale(expected[i], scale);
        sum += std::abs(error) * (i == 0 ? 1 : 4);
      }
      state.update(values[t]);
    }
    return sum;
  }

  ValueScale scale_ = ValueScale::Plain;
  double ceiling_ = 0;  ///< largest value seen, in messages
  double persistence_ = 0;
  ArimaState state_;
  LeadErrors errors_;
};

}  // namespace

std::unique_ptr<Forecaster> make_arima() {
  return std::make_unique<Arima>();
}

}  // namespace forewarm
