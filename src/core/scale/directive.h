#pragma once

#include <cstdint>

#include "base/time.h"
#include "core/model/scaling_plan.h"
#include "core/model/settings.h"

namespace forewarm {

/// `directive` as long as it is in force, else none.
ScalingDirective directive_at(const ScalingDirective& directive, TimePoint now);

/// A queue as a directive sees it.
struct DirectedQueue {
  std::uint32_t held = 0;  ///< usable instances of its function that no other queue wants
  bool starved = false;    ///< a message waits, and there is no instance at all
};

/// Makes of the plan what the operator wants instead, whatever scaler made it; the limits of function and
/// machine still hold when it is carried out.
void direct(const ScalingDirective& directive, const DirectedQueue& queue, ScalingPlan& plan);

/// Of `wanted` instances for messages that wait, those that may be started when there are `usable`.
std::uint32_t startable(const ScalingDirective& directive, std::uint32_t usable, std::uint32_t wanted);

}  // namespace forewarm
