#include "core/forecast/models/smoothing_state.h"

#include <algorithm>
#include <cmath>

#include "base/math.h"

namespace forewarm {
namespace {

constexpr std::size_t kStartSteps = 10;
constexpr double kStateMax = 1e16;  // beyond the largest value there can be: a runaway state stays finite

double mean_of(std::span<const double> values) {
  double sum = 0, count = 0;
  for (const double value : values) {
    if (value != value) continue;
    sum += value;
    count += 1;
  }
  return count > 0 ? sum / count : 0;
}

std::vector<double> phase_means(std::span<const double> values, std::uint32_t period) {
  std::vector<double> sums(period), counts(period);
  const double mean = mean_of(values);
  for (std::size_t t = 0; t < values.size(); ++t) {
    if (values[t] != values[t]) continue;
    sums[t % period] += values[t] - mean;
    counts[t % period] += 1;
  }
  for (std::size_t phase = 0; phase < period; ++phase) sums[phase] /= std::max(1.0, counts[phase]);
  return sums;
}

}  // namespace

double damped_steps(std::size_t lead, double damping) {
  if (lead == 1) return damping;
  return damping * (1 - pow(damping, static_cast<double>(lead))) / (1 - damping);
}

SmoothingState::SmoothingState(std::span<const double> values, std::uint32_t period) {
  if (period > 0) {
    season_ = phase_means(values, period);
    level_ = mean_of(values.first(std::min<std::size_t>(values.size(), period)));
  } else {
    level_ = mean_of(values.first(std::min(values.size(), kStartSteps)));
  }
}

double SmoothingState::expected(std::size_t lead, double damped) const {
  const double value = level_ + damped * trend_;
  return season_.empty() ? value : value + season_[(phase_ + lead - 1) % season_.size()];
}

void SmoothingState::update(double value, const SmoothingParameters& parameters) {
  const double trend = parameters.damping * trend_;
  const double before = level_ + trend;
  double surprise = 0;
  if (value == value) surprise = value - before - (season_.empty() ? 0 : season_[phase_]);
  level_ = std::clamp(before + parameters.level * surprise, -kStateMax, kStateMax);
  trend_ = std::clamp(trend + parameters.level * parameters.trend * surprise, -kStateMax, kStateMax);
  if (season_.empty()) return;
  season_[phase_] += parameters.season * (1 - parameters.level) * surprise;
  phase_ = phase_ + 1 == season_.size() ? 0 : phase_ + 1;
}

bool SmoothingState::is_sound() const {
  const auto good = [](double value) { return std::abs(value) <= 4 * kStateMax; };  // false for NaN
  return good(level_) && good(trend_) && std::all_of(season_.begin(), season_.end(), good) &&
         (season_.empty() ? phase_ == 0 : phase_ < season_.size());
}

}  // namespace forewarm
