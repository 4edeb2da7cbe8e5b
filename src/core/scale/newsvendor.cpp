#include "core/scale/newsvendor.h"

#include <algorithm>
#include <cstddef>

#include "core/scale/queueing.h"

namespace forewarm {
namespace {

// A step is too short for a queue near full use to reach its balance, whose wait has no bound.
constexpr double kUseMax = 0.98;

// Probability that stands behind each of kForecastLevels: up to halfway to its neighbours.
constexpr std::array<double, kForecastLevelCount> kLevelWeights = [] {
  std::array<double, kForecastLevelCount> weights{};
  double below = 0;
  for (std::size_t i = 0; i < kForecastLevelCount; ++i) {
    const bool last = i + 1 == kForecastLevelCount;
    const double above = last ? 1.0 : (kForecastLevels[i] + kForecastLevels[i + 1]) / 2;
    weights[i] = above - below;
    below = above;
  }
  return weights;
}();

}  // namespace

double newsvendor_level(const LatenessPrice& price, double step_seconds, double late_by_one_missing) {
  if (price.late_cost <= 0) return std::clamp(1 - price.late_share_max, 0.0, kLevelMax);
  const double idle = price.idle_cost_per_second * step_seconds;
  const double late = price.late_cost * late_by_one_missing;
  return late > idle ? std::min(1 - idle / late, kLevelMax) : 0.0;
}

double late_messages(const StepOutlook& outlook, double messages, std::uint32_t instances) {
  const double slots = static_cast<double>(instances) * outlook.instance_capacity;
  const double offered = messages * outlook.service_seconds / outlook.seconds;
  if (slots <= 0) return messages;
  const SteadyLoad load{.offered = std::min(offered, kUseMax * slots),
                        .slack_in_services = outlook.slack_seconds / outlook.service_seconds};
  double share = late_share(load, static_cast<std::uint32_t>(std::min(slots, 4e9)));
  if (offered > slots) {
    // The wait grows by (offered - slots) / slots a second; from the moment it passes the slack all are late.
    const double in_time_seconds = outlook.slack_seconds * slots / (offered - slots);
    share = std::max(share, 1 - in_time_seconds / outlook.seconds);
  }
  return messages * share;
}

double expected_late_messages(const StepOutlook& outlook, std::uint32_t instances) {
  double late = 0;
  for (std::size_t i = 0; i < kForecastLevelCount; ++i)
    late += kLevelWeights[i] * late_messages(outlook, outlook.messages[i], instances);
  return late;
}

MarginalInstance last_instance(const StepOutlook& outlook, std::uint32_t instances) {
  MarginalInstance marginal;
  if (instances == 0) return marginal;
  for (std::size_t i = 0; i < kForecastLevelCount; ++i) {
    const double messages = outlook.messages[i];
    const double saved =
        late_messages(outlook, messages, instances - 1) - late_messages(outlook, messages, instances);
    const double needed = messages * outlook.service_seconds / (outlook.seconds * outlook.instance_capacity);
    const double idle = std::clamp(static_cast<double>(instances) - needed, 0.0, 1.0);
    marginal.late_saved += kLevelWeights[i] * std::max(0.0, saved);
    marginal.idle_seconds_added += kLevelWeights[i] * idle * outlook.seconds;
  }
  return marginal;
}

}  // namespace forewarm
