#pragma once

#include <cstdint>

#include "core/scale/override.h"
#include "core/scale/scaler.h"

namespace forewarm {

/// A scaler's inputs and settings as numbers that can be calculated with: whatever was measured or
/// configured, these are finite, positive where a division needs it, and within what a machine can mean.
struct ScalingFacts {
  double waiting = 0;
  double running = 0;      ///< messages on instances
  double slots_ready = 0;  ///< idle and starting instances, in messages
  double slots_busy = 0;   ///< messages that busy instances may hold
  double capacity = 1;     ///< messages of one instance at a time
  bool service_known = false;
  double service_seconds = 1;  ///< a guess until one was measured
  double lead_seconds = 1;     ///< from asking for an instance to its being ready, 95 % of the time
  double start_seconds = 1;    ///< the same in the mean: what a start costs
  double slack_seconds = 0;
  double late_if_cold = 1;  ///< share of starts that take longer than the slack
  double step_seconds = 10;
  std::uint32_t usable = 0;  ///< idle, busy and starting instances
  std::uint32_t instances_max = 0;
  std::uint32_t instances_min = 0;  ///< at most instances_max
  bool overridden_max = false;      ///< an override made instances_max smaller
  bool overridden_min = false;      ///< or instances_min larger
  double factor = 1;                ///< of overrides, on the plan's instances

  /// Instances, rounded up, that hold this many messages at a time; may be more than instances_max.
  std::uint32_t instances_of(double slots) const;
};

/// The share of messages that may be late, within what a step holds enough messages to steer by.
double sound_late_share(const ScalingSettings& settings);

/// The start time to be planned for, as read_facts() takes it: positive, a day at most.
Duration planned_lead(const DurationSummary& start_time);

/// Puts what overrides say in place of what they said when the facts were read.
void bound_by(const OverrideBounds& said, const ScalingInputs& inputs, const ScalingSettings& settings,
              ScalingFacts& facts);

ScalingFacts read_facts(const ScalingInputs& inputs, const ScalingSettings& settings);

}  // namespace forewarm
