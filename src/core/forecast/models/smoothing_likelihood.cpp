#include "core/forecast/models/smoothing_likelihood.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/math.h"

namespace forewarm {
namespace {

// The bounds of R's forecast::ets: without them a parameter at its end point makes a state that never moves.
constexpr double kShareMin = 1e-4;
constexpr double kSmoothingShareMax = 0.9999;
constexpr double kDampingMin = 0.8;
constexpr double kDampingMax = 0.98;
constexpr double kStateUnitsMax = 1e8;
constexpr double kImpossible = std::numeric_limits<double>::infinity();

/// Sum of logarithms at the price of products.
class LogSum {
 public:
  void add(double value) {
    product_ *= value;
    if (product_ < 1e-200 || product_ > 1e200) fold();
  }
  double total() {
    fold();
    return sum_;
  }

 private:
  void fold() {
    sum_ += log(product_);
    product_ = 1;
  }
  double product_ = 1;
  double sum_ = 0;
};

}  // namespace

SmoothingLikelihood::SmoothingLikelihood(std::span<const double> values, const SmoothingForm& form,
                                         std::uint32_t period)
    : values_(values),
      form_(form),
      period_(form.season == SmoothingPart::None ? 0 : period),
      origin_(form, values, period, true),
      moments_(values.size()) {
  double distance = 0, distances = 0, squares = 0;
  for (std::size_t t = 0; t < values.size(); ++t) {
    if (values[t] != values[t]) continue;
    count_ += 1;
    squares += values[t] * values[t];
    if (t == 0 || values[t - 1] != values[t - 1]) continue;
    distance += std::abs(values[t] - values[t - 1]);
    distances += 1;
  }
  if (distance > 0) unit_ = distance / distances;
  steady_trend_ = SmoothingState::trend_of(form, values);
  squares_min_ = std::max(1e-20 * squares, std::numeric_limits<double>::min());
}

std::size_t SmoothingLikelihood::shares() const {
  return 1 + (has_trend() ? 1 : 0) + (has_season() ? 1 : 0) + (form_.damped ? 1 : 0);
}

std::size_t SmoothingLikelihood::states() const {
  return 1 + (has_trend() ? 1 : 0) + (has_season() ? std::size_t{period_} - 1 : 0);
}

double SmoothingLikelihood::season_unit() const {
  return form_.season == SmoothingPart::Multiplicative ? std::min(0.5, unit_ / origin_.level()) : unit_;
}

double SmoothingLikelihood::trend_unit() const {
  // An undamped trend goes on through the whole series: little of it moves the fit as much as a level does.
  const double share = form_.damped ? 0.2 : 0.02;
  return form_.trend == SmoothingPart::Multiplicative ? share * std::min(0.5, unit_ / origin_.level())
                                                      : share * unit_;
}

std::vector<double> SmoothingLikelihood::lower() const {
  std::vector<double> bound(size(), -kStateUnitsMax);
  std::fill_n(bound.begin(), shares(), kShareMin);
  if (form_.damped) bound[shares() - 1] = kDampingMin;
  return bound;
}

std::vector<double> SmoothingLikelihood::upper() const {
  std::vector<double> bound(size(), kStateUnitsMax);
  std::fill_n(bound.begin(), shares(), kSmoothingShareMax);
  if (form_.damped) bound[shares() - 1] = kDampingMax;
  return bound;
}

std::vector<double> SmoothingLikelihood::start(const SmoothingGuess& guess) const {
  std::vector<double> unknowns(size());
  std::size_t next = 0;
  unknowns[next++] = guess.level;
  if (has_trend()) unknowns[next++] = guess.trend;
  if (has_season()) unknowns[next++] = guess.season;
  if (form_.damped) unknowns[next++] = 0.97;
  if (has_trend() && guess.steady) unknowns[next + 1] = (steady_trend_ - origin_.trend()) / trend_unit();
  return unknowns;
}

SmoothingParameters SmoothingLikelihood::parameters(std::span<const double> unknowns) const {
  std::size_t next = 0;
  SmoothingParameters result{.level = unknowns[next++], .trend = 0, .damping = 1, .season = 0};
  if (has_trend()) result.trend = unknowns[next++];
  if (has_season()) result.season = unknowns[next++];
  if (form_.damped) result.damping = unknowns[next++];
  return result;
}

SmoothingState SmoothingLikelihood::initial_state(std::span<const double> unknowns) const {
  std::size_t next = shares();
  const double level = origin_.level() + unit_ * unknowns[next++];
  double trend = origin_.trend();
  if (has_trend()) trend += trend_unit() * unknowns[next++];
  std::vector<double> season(origin_.season().begin(), origin_.season().end());
  for (std::size_t phase = 1; phase < season.size(); ++phase) {
    const double change = season_unit() * unknowns[next++];
    season[phase] += change;
    season[0] -= change;
  }
  return {form_, level, trend, std::move(season)};
}

double SmoothingLikelihood::value(std::span<const double> unknowns) {
  const SmoothingState initial = initial_state(unknowns);
  point_ = {.level = initial.level(), .trend = initial.trend(), .season = 1};
  season_.assign(initial.season().begin(), initial.season().end());
  parameters_ = parameters(unknowns);
  return with_smoothing_step(form_, [&]<class Step>() { return run_forwards<Step>(parameters_); });
}

void SmoothingLikelihood::gradient(std::span<double> by_unknowns) {
  Slopes slopes;
  with_smoothing_step(form_, [&]<class Step>() { run_backwards<Step>(parameters_, slopes); });
  std::size_t next = 0;
  by_unknowns[next++] = slopes.alpha + parameters_.trend * slopes.beta - parameters_.season * slopes.gamma;
  if (has_trend()) by_unknowns[next++] = parameters_.level * slopes.beta;
  if (has_season()) by_unknowns[next++] = (1 - parameters_.level) * slopes.gamma;
  if (form_.damped) by_unknowns[next++] = slopes.phi;
  by_unknowns[next++] = unit_ * point_.level;
  if (has_trend()) by_unknowns[next++] = trend_unit() * point_.trend;
  for (std::size_t phase = 1; phase < season_.size(); ++phase) {
    by_unknowns[next++] = season_unit() * (season_[phase] - season_[0]);
  }
}

template <class Step>
double SmoothingLikelihood::run_forwards(const SmoothingParameters& parameters) {
  const bool relative = form_.error == SmoothingPart::Multiplicative;
  LogSum logs;
  squares_ = 0;
  std::size_t phase = 0;
  SmoothingPoint point = point_;
  for (std::size_t t = 0; t < values_.size(); ++t) {
    if constexpr (Step::kHasSeason) point.season = season_[phase];
    const Step step(point, parameters.damping);
    const bool measured = values_[t] == values_[t];
    const double surprise = measured ? values_[t] - step.mean : 0;
    // Also false for NaN.
    if (relative && !(step.mean > 0)) return kImpossible;
    if (Step::kTrendMultiplies && !(point.trend > 0 && point.level > 0)) return kImpossible;
    if (Step::kSeasonMultiplies && !(point.season > 0 && step.base > 0)) return kImpossible;
    moments_[t] = {.before = point, .surprise = surprise};
    if (measured) {
      const double error = relative ? surprise / step.mean : surprise;
      squares_ += error * error;
      if (relative) logs.add(step.mean);
    }
    point = step.after(point, surprise, parameters);
    if constexpr (Step::kHasSeason) {
      season_[phase] = point.season;
      phase = phase + 1 == season_.size() ? 0 : phase + 1;
    }
  }
  if (!(squares_ < std::numeric_limits<double>::max())) return kImpossible;
  return count_ * log(std::max(squares_, squares_min_)) + 2 * logs.total();
}

/// Backwards through SmoothingStep::after.
template <class Step>
SmoothingLikelihood::Inner SmoothingLikelihood::slopes_of_correction(const Step& step, const Moment& moment,
                                                                     const SmoothingParameters& parameters,
                                                                     const SmoothingPoint& by,
                                                                     Slopes& slopes) {
  const auto& [before, surprise] = moment;
  const double beta = parameters.level * parameters.trend;
  const double gamma = parameters.season * (1 - parameters.level);
  const double seasonless = Step::kSeasonMultiplies ? surprise / before.season : surprise;
  Inner inner{.base = by.level, .season = by.season};
  double by_seasonless = parameters.level * by.level;
  slopes.alpha += seasonless * by.level;
  if constexpr (Step::kHasTrend) {
    const double per = Step::kTrendMultiplies ? 1 / before.level : 1;
    inner.carried = by.trend;
    by_seasonless += beta * per * by.trend;
    slopes.beta += seasonless * per * by.trend;
    if constexpr (Step::kTrendMultiplies) inner.level -= beta * seasonless * per * per * by.trend;
  }
  if constexpr (Step::kHasSeason) {
    const double per = Step::kSeasonMultiplies ? 1 / step.base : 1;
    inner.surprise += gamma * per * by.season;
    slopes.gamma += surprise * per * by.season;
    if constexpr (Step::kSeasonMultiplies) inner.base -= gamma * surprise * per * per * by.season;
  }
  if constexpr (Step::kSeasonMultiplies) {
    inner.surprise += by_seasonless / before.season;
    inner.season -= by_seasonless * seasonless / before.season;
  } else {
    inner.surprise += by_seasonless;
  }
  return inner;
}

template <class Step>
void SmoothingLikelihood::run_backwards(const SmoothingParameters& parameters, Slopes& slopes) {
  const bool relative = form_.error == SmoothingPart::Multiplicative;
  const double phi = parameters.damping;
  const double weight = squares_ > squares_min_ ? 2 * count_ / squares_ : 0;
  // Names are those of what the slope is by: of the state after the step, then of the state before.
  SmoothingPoint by{};
  std::fill(season_.begin(), season_.end(), 0.0);
  std::size_t phase = season_.empty() ? 0 : values_.size() % season_.size();
  for (std::size_t t = values_.size(); t-- > 0;) {
    const auto& [before, surprise] = moments_[t];
    const Step step(before, phi);
    const bool measured = values_[t] == values_[t];
    if constexpr (Step::kHasSeason) {
      phase = phase == 0 ? season_.size() - 1 : phase - 1;
      by.season = season_[phase];
    }
    Inner inner = slopes_of_correction(step, moments_[t], parameters, by, slopes);
    if (measured) {
      const double error = relative ? surprise / step.mean : surprise;
      inner.surprise += relative ? weight * error / step.mean : weight * error;
      if (relative) inner.mean += (2 - weight * error * error) / step.mean;
      inner.mean -= inner.surprise;
    }
    inner.base += Step::kSeasonMultiplies ? inner.mean * before.season : inner.mean;
    if constexpr (Step::kSeasonMultiplies) inner.season += inner.mean * step.base;
    if constexpr (Step::kHasSeason && !Step::kSeasonMultiplies) inner.season += inner.mean;
    if constexpr (Step::kTrendMultiplies) {
      inner.level += inner.base * step.carried;
      inner.carried += inner.base * before.level;
      by.trend = inner.carried * phi * step.carried / before.trend;
      if (phi != 1) slopes.phi += inner.carried * step.carried * log(before.trend);
    } else {
      inner.level += inner.base;
      inner.carried += inner.base;
      if constexpr (Step::kHasTrend) {
        by.trend = phi * inner.carried;
        slopes.phi += before.trend * inner.carried;
      }
    }
    by.level = inner.level;
    if constexpr (Step::kHasSeason) season_[phase] = inner.season;
  }
  point_ = by;
}

}  // namespace forewarm
