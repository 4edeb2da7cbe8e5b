#pragma once

#include <span>
#include <vector>

#include "core/model/demand.h"
#include "core/model/forecast.h"

namespace forewarm {

/// The resources that a forecast's messages need, from what messages were measured to cost.
///
/// `before`: arrivals of the steps before the forecast, oldest first, NaN where they were not measured: their
/// messages may still be in service. Fewer than the longest service time takes are as good as they are.
///
/// The forecast says how many arrive (the outer part, at the same level in every step, so that sums over
/// steps err on the side of more), the profile what each costs:
/// - work: a compound sum of independent service times (compound_work.h);
/// - concurrency: each message that arrived k steps ago is in service with the chance that service_overlap
///   gives, independently: the M/G/infinity queue (Takacs 1962, chapter 3.2) given its numbers of arrivals;
/// - cores: the time of all messages that falls into a step, times cores_per_service;
/// - memory: the instances that hold the messages in service, times the memory of one.
/// A priority's messages are drawn from all with its share; service times were not measured by priority.
DemandForecast demand_forecast(const Forecast& forecast, std::span<const float> before,
                               const WorkProfile& profile);

/// What of a step's messages is still in service k steps later, if they arrive at random moments and start at
/// once. All in steps of time.
struct ServiceOverlap {
  /// [k]: the chance that a message is in service at a random moment of that step, which is also the mean
  /// time of it that falls there. Sums to the mean service time.
  std::vector<double> in_service;
  std::vector<double> variance;  ///< [k]: of that time
};

/// As far as kOverlapMax steps reach. `service_seconds`: ascending.
ServiceOverlap service_overlap(std::span<const WeightedValue> service_seconds, double step_seconds);
inline constexpr std::size_t kOverlapMax = 2048;

}  // namespace forewarm
