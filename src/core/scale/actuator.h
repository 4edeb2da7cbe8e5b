#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/model/directive.h"
#include "core/scale/newsvendor.h"

namespace forewarm {

/// A stretch of time to come, and what is wanted in it.
struct ProjectedSlot {
  TimePoint at;
  std::uint32_t instances = 0;
  std::uint32_t most = UINT32_MAX;  ///< the operator allows no more: those above are as bad as missing ones
  StepOutlook outlook;              ///< its seconds are the slot's
  PlanReason reason;
};

/// The shortest slots in which a target can be told something new, and is paid for it: a forecast's step, or
/// longer.
Duration slot_of(const ActuatorModel& actuator, Duration step);

/// What to set in each slot, so that idle time, what is missing (`missing_price` times as dear as what is
/// idle), starts (each `start_seconds`) and changes cost least together under the target's limits: a change
/// is made only if it saves more than it costs. Exact, by dynamic programming over slots and the numbers that
/// can be of use; at most 64 slots. `now_set`: what the target has been told last.
std::vector<std::uint32_t> set_least_cost(std::span<const ProjectedSlot> slots, std::uint32_t now_set,
                                          const ActuatorModel& actuator, double start_seconds,
                                          double missing_price);

/// The changes of such a course as directives, in order.
std::vector<Directive> directives_of(QueueId queue, std::span<const ProjectedSlot> slots,
                                     std::span<const std::uint32_t> set, std::uint32_t now_set,
                                     const ActuatorModel& actuator);

}  // namespace forewarm
