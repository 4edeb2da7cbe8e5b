#include "core/retry/upstream.h"

#include <algorithm>
#include <cmath>

#include "base/random.h"

namespace forewarm {
namespace {

constexpr int kPowerMax = 40;
constexpr std::uint64_t kPowers = 2 * kPowerMax + 2;

// What nobody has asked for yet works twice in three times; below this it is not asked for.
constexpr double kWorkedPrior = 2;
constexpr double kAskedPrior = 3;
constexpr double kPromising = 0.3;
constexpr double kAskedMax = 20;  // older ones fade
constexpr std::size_t kLevelsMax = 256;

}  // namespace

std::uint32_t upstream_level(SignalId signal, double value) {
  int power = 0;
  if (value != 0) std::frexp(value, &power);
  const auto magnitude = static_cast<std::uint64_t>(std::clamp(power, -kPowerMax, kPowerMax) + kPowerMax + 1);
  const std::uint64_t step = value == 0 ? 0 : value > 0 ? magnitude : kPowers + magnitude;
  return std::max<std::uint32_t>(
      1, static_cast<std::uint32_t>(mix_bits(std::uint64_t{signal.value()} << 8 | step)));
}

bool UpstreamNews::promising(std::uint32_t level) const {
  const auto found = asked_.find(level);
  const Asked asked = found != asked_.end() ? found->second : Asked{};
  return (asked.worked + kWorkedPrior) / (asked.worked + asked.failed + kAskedPrior) >= kPromising;
}

void UpstreamNews::observe(std::uint32_t level, bool works) {
  if (asked_.size() >= kLevelsMax && !asked_.contains(level)) asked_.clear();
  Asked& asked = asked_[level];
  (works ? asked.worked : asked.failed) += 1;
  const double total = asked.worked + asked.failed;
  if (total <= kAskedMax) return;
  asked.worked *= kAskedMax / total;
  asked.failed *= kAskedMax / total;
}

}  // namespace forewarm
