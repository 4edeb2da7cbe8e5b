#pragma once

#include <array>
#include <cstdint>

#include "core/model/forecast.h"

namespace forewarm {

/// What being late and being idle cost, in one currency.
struct LatenessPrice {
  double idle_cost_per_second = 0;  ///< of one instance
  double late_cost = 0;             ///< of one late message; 0: late_share_max decides
  double late_share_max = 0.01;
};

/// One step of one queue as the newsvendor sees it.
struct StepOutlook {
  std::array<double, kForecastLevelCount> messages{};  ///< arrivals in the step at each of kForecastLevels
  double seconds = 10;
  double service_seconds = 1;
  double slack_seconds = 0;
  std::uint32_t instance_capacity = 1;
};

/// The level of demand to have instances for: q* = 1 - idle cost of a step / (late cost x messages that one
/// missing instance makes late). Without a price of lateness q* = 1 - late_share_max. Within [0,
/// kLevelMax]; 0 means that no instance is worth its idle time.
double newsvendor_level(const LatenessPrice& price, double step_seconds, double late_by_one_missing);
inline constexpr double kLevelMax = 1 - 1e-6;

/// Late messages in a step with `messages` evenly random arrivals on `instances`: queueing in balance, and
/// the growing wait where they cannot keep up.
double late_messages(const StepOutlook& outlook, double messages, std::uint32_t instances);

/// The same in the mean over the forecast's levels.
double expected_late_messages(const StepOutlook& outlook, std::uint32_t instances);

/// What the last of `instances` is worth over the step, in the mean over the forecast's levels.
struct MarginalInstance {
  double late_saved = 0;          ///< messages that would be late without it
  double idle_seconds_added = 0;  ///< of its time that no message uses
};
MarginalInstance last_instance(const StepOutlook& outlook, std::uint32_t instances);

}  // namespace forewarm
