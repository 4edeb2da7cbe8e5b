#include "core/forecast/models/smoothing_state.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/math.h"

namespace forewarm {
namespace {

constexpr std::size_t kStartSteps = 10;
constexpr double kStateMax = 1e16;  // beyond the largest value there can be: a runaway state stays finite
// What multiplies stays away from zero, where it could never come back, and from factors that no load has.
constexpr double kLevelMin = 1e-6;
constexpr double kSeasonFactorMin = 1e-3;
constexpr double kSeasonFactorMax = 1e3;
constexpr double kTrendFactorMin = 0.5;
constexpr double kTrendFactorMax = 2;

double mean_of(std::span<const double> values) {
  double sum = 0, count = 0;
  for (const double value : values) {
    if (value != value) continue;
    sum += value;
    count += 1;
  }
  return count > 0 ? sum / count : 0;
}

/// Mean over one period around each step (Hyndman and Athanasopoulos, Forecasting: Principles and Practice,
/// classical decomposition); NaN where the period does not fit in.
std::vector<double> centred_means(std::span<const double> values, std::uint32_t period) {
  std::vector<double> sums(values.size() + 1), counts(values.size() + 1);
  for (std::size_t t = 0; t < values.size(); ++t) {
    const bool measured = values[t] == values[t];
    sums[t + 1] = sums[t] + (measured ? values[t] : 0);
    counts[t + 1] = counts[t] + (measured ? 1 : 0);
  }
  const std::size_t half = period / 2;
  const auto mean = [&](std::size_t from) {
    return (sums[from + period] - sums[from]) / (counts[from + period] - counts[from]);
  };
  std::vector<double> means(values.size(), std::numeric_limits<double>::quiet_NaN());
  for (std::size_t t = half; t + half < values.size(); ++t) {
    means[t] = period % 2 == 1 ? mean(t - half) : 0.5 * (mean(t - half) + mean(t - half + 1));
  }
  return means;
}

/// Season by phase: of what is left of the values beside their slow movement. Sums to zero, or to one a
/// phase.
std::vector<double> phase_means(std::span<const double> values, std::uint32_t period, bool multiplies,
                                bool trend) {
  std::vector<double> sums(period), counts(period);
  // With fewer cycles too few steps have a whole period around them.
  const bool cycles = trend && values.size() >= 3 * std::size_t{period};
  const std::vector<double> slow = cycles ? centred_means(values, period) : std::vector<double>();
  const double mean = mean_of(values);
  for (std::size_t t = 0; t < values.size(); ++t) {
    const double around = slow.empty() ? mean : slow[t];
    const double rest = multiplies ? values[t] / around : values[t] - around;
    if (!std::isfinite(rest)) continue;
    sums[t % period] += rest;
    counts[t % period] += 1;
  }
  const double rest = multiplies ? 1 : 0;
  double total = 0;
  for (std::size_t phase = 0; phase < period; ++phase) {
    sums[phase] = counts[phase] > 0 ? sums[phase] / counts[phase] : rest;
    total += sums[phase];
  }
  total /= period;
  for (double& sum : sums) {
    if (!multiplies) sum -= total;
    if (multiplies) sum = total > 0 ? std::max(sum / total, 0.01) : 1;
  }
  return sums;
}

struct Line {
  double at_start = 0;  ///< one step before the first value
  double slope = 0;
};

/// Least-squares line through the measured values.
Line line_through(std::span<const double> values) {
  double n = 0, t_sum = 0, y_sum = 0, tt = 0, ty = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (values[i] != values[i]) continue;
    const auto t = static_cast<double>(i + 1);
    n += 1, t_sum += t, y_sum += values[i], tt += t * t, ty += t * values[i];
  }
  const double spread = n * tt - t_sum * t_sum;
  if (n < 2 || spread <= 0) return {.at_start = n > 0 ? y_sum / n : 0, .slope = 0};
  const double slope = (n * ty - t_sum * y_sum) / spread;
  return {.at_start = (y_sum - slope * t_sum) / n, .slope = slope};
}

}  // namespace

double damped_steps(std::size_t lead, double damping) {
  if (damping == 1) return static_cast<double>(lead);
  if (lead == 1) return damping;
  return damping * (1 - pow(damping, static_cast<double>(lead))) / (1 - damping);
}

SmoothingState::SmoothingState(const SmoothingForm& form, double level, double trend,
                               std::vector<double> season)
    : form_(form), level_(level), trend_(trend), season_(std::move(season)) {}

SmoothingState::SmoothingState(const SmoothingForm& form, std::span<const double> values,
                               std::uint32_t period, bool with_trend)
    : form_(form) {
  const bool season_multiplies = form.season == SmoothingPart::Multiplicative;
  std::size_t steps = period;
  if (form.season != SmoothingPart::None) {
    season_ = phase_means(values, period, season_multiplies, with_trend);
    if (with_trend) steps *= 2;
  }
  steps = std::min(values.size(), std::max(kStartSteps, steps));
  std::vector<double> first(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(steps));
  for (std::size_t t = 0; t < first.size() && !season_.empty(); ++t) {
    if (season_multiplies) first[t] /= season_[t % period];
    if (!season_multiplies) first[t] -= season_[t % period];
  }
  const bool trend_multiplies = form.trend == SmoothingPart::Multiplicative;
  level_ = mean_of(first);
  trend_ = trend_multiplies ? 1 : 0;
  if (with_trend && form.trend != SmoothingPart::None) {
    const Line line = line_through(first);
    if (!trend_multiplies) {
      level_ = line.at_start;
      trend_ = line.slope;
    } else if (level_ > 0 && line.at_start > 0) {
      trend_ = std::clamp(1 + line.slope / level_, kTrendFactorMin, kTrendFactorMax);
      level_ = line.at_start;
    }
  }
  SmoothingPoint point{.level = level_, .trend = trend_, .season = 1};
  keep_in_bounds(point);
  level_ = point.level;
}

double SmoothingState::trend_of(const SmoothingForm& form, std::span<const double> values) {
  const double slope = line_through(values).slope;
  if (form.trend != SmoothingPart::Multiplicative) return slope;
  const double mean = mean_of(values);
  return mean > 0 ? std::clamp(1 + slope / mean, kTrendFactorMin, kTrendFactorMax) : 1;
}

double SmoothingState::expected(std::size_t lead, double damped) const {
  double value = level_;
  if (form_.trend == SmoothingPart::Additive) value += damped * trend_;
  if (form_.trend == SmoothingPart::Multiplicative) value *= pow(trend_, damped);
  if (season_.empty()) return value;
  const double season = season_[(phase_ + lead - 1) % season_.size()];
  return form_.season == SmoothingPart::Multiplicative ? value * season : value + season;
}

void SmoothingState::update(double value, const SmoothingParameters& parameters) {
  SmoothingPoint point{.level = level_, .trend = trend_, .season = season_.empty() ? 1 : season_[phase_]};
  with_smoothing_step(form_, [&]<class Step>() {
    const Step step(point, parameters.damping);
    point = step.after(point, value == value ? value - step.mean : 0, parameters);
  });
  keep_in_bounds(point);
  level_ = point.level;
  trend_ = point.trend;
  if (season_.empty()) return;
  season_[phase_] = point.season;
  phase_ = phase_ + 1 == season_.size() ? 0 : phase_ + 1;
}

void SmoothingState::keep_in_bounds(SmoothingPoint& point) const {
  const double low = form_.multiplies() ? kLevelMin : -kStateMax;
  point.level = std::clamp(point.level, low, kStateMax);
  if (form_.trend == SmoothingPart::Multiplicative) {
    point.trend = std::clamp(point.trend, kTrendFactorMin, kTrendFactorMax);
  } else {
    // A trend that adds must not push a level that multiplies below zero either.
    const double fall = form_.multiplies() ? 0.5 * point.level : kStateMax;
    point.trend = std::clamp(point.trend, -fall, kStateMax);
  }
  if (form_.season == SmoothingPart::Multiplicative) {
    point.season = std::clamp(point.season, kSeasonFactorMin, kSeasonFactorMax);
  } else {
    point.season = std::clamp(point.season, -4 * kStateMax, 4 * kStateMax);
  }
}

bool SmoothingState::is_sound() const {
  const auto good = [](double value) { return std::abs(value) <= 4 * kStateMax; };  // false for NaN
  const auto is_part = [](SmoothingPart part) { return part <= SmoothingPart::Multiplicative; };
  if (!is_part(form_.error) || !is_part(form_.trend) || !is_part(form_.season) || !form_.is_admissible() ||
      (form_.season == SmoothingPart::None) != season_.empty()) {
    return false;
  }
  if (!good(level_) || !good(trend_) || !std::all_of(season_.begin(), season_.end(), good)) return false;
  if (season_.empty() ? phase_ != 0 : phase_ >= season_.size()) return false;
  SmoothingPoint point{.level = level_, .trend = trend_, .season = 1};
  for (const double season : season_) {
    point.season = season;
    SmoothingPoint kept = point;
    keep_in_bounds(kept);
    if (kept.season != season) return false;
  }
  const double season = season_.empty() ? 1 : season_[0];
  SmoothingPoint kept{.level = level_, .trend = trend_, .season = season};
  keep_in_bounds(kept);
  return kept.level == level_ && kept.trend == trend_;
}

}  // namespace forewarm
