#include "core/retry/outage_history.h"

#include <algorithm>

#include "base/math.h"

namespace forewarm {
namespace {

constexpr double kPriorMean = 4.787;     // ln 120
constexpr double kPriorDeviation = 1.5;  // one outage in twenty lasts longer than 24 minutes
constexpr double kPriorWorth = 2;
constexpr double kDeviationMin = 0.5;
constexpr double kRemembered = 30;
constexpr double kMeanMax = 50;  // of a logarithm of seconds
constexpr double kSquaresMax = 1e6;
constexpr double kOldMin = 1 - 1e-6;  // an outage that should long be over: nothing but its age tells more

}  // namespace

void OutageHistory::observe(Duration length) {
  const double value = log(std::max(0.1, seconds(length)));
  ++observed_;
  count_ = std::min(count_ + 1, kRemembered);
  const double before = value - mean_;
  mean_ += before / count_;
  squares_ += before * (value - mean_);
  if (count_ >= kRemembered) squares_ *= 1 - 1 / kRemembered;
}

void OutageHistory::remember(OutageMemory& memory) const {
  memory.observed = observed_;
  memory.count = count_;
  memory.mean = mean_;
  memory.squares = squares_;
}

void OutageHistory::restore(const OutageMemory& memory) {
  const bool possible = memory.count > 0 && memory.count <= kRemembered && memory.squares >= 0 &&
                        memory.squares < kSquaresMax && memory.mean > -kMeanMax && memory.mean < kMeanMax;
  if (observed_ > 0 || memory.observed == 0 || !possible) return;
  observed_ = memory.observed;
  count_ = memory.count;
  mean_ = memory.mean;
  squares_ = memory.squares;
}

Duration OutageHistory::quantile(Duration age, double probability) const {
  const double all = count_ + kPriorWorth;
  const double mean = (count_ * mean_ + kPriorWorth * kPriorMean) / all;
  const double apart = mean_ - kPriorMean;
  const double variance = (squares_ + kPriorWorth * kPriorDeviation * kPriorDeviation +
                           count_ * kPriorWorth / all * apart * apart) /
                          all;
  const double deviation = std::max(kDeviationMin, sqrt(variance));
  const double lasted = std::max(0.0, seconds(age));
  const double over = lasted > 0 ? normal_cdf((log(lasted) - mean) / deviation) : 0;
  const double p = std::clamp(probability, 0.001, 0.999);
  if (over >= kOldMin) return from_seconds(lasted * (1 + p));
  const double z = normal_quantile(over + p * (1 - over));
  return from_seconds(std::clamp(exp(mean + deviation * z), lasted, 1e9));
}

}  // namespace forewarm
