#pragma once

#include <cstdint>
#include <span>

#include "base/time.h"
#include "core/model/scaling_plan.h"
#include "core/model/settings.h"
#include "core/scale/actuator.h"

namespace forewarm {

/// `order` as long as it is in force, else none.
ScalingOrder order_at(const ScalingOrder& order, TimePoint now);

/// A queue as an order sees it.
struct QueueUnderOrder {
  std::uint32_t held = 0;  ///< usable instances of its function that no other queue wants
  bool starved = false;    ///< a message waits, and there is no instance at all
};

/// Makes of the plan what the operator wants instead, whatever scaler made it; the limits of function and
/// machine still hold when it is carried out.
void carry_out(const ScalingOrder& order, const QueueUnderOrder& queue, ScalingPlan& plan);

/// The same for what is to come: until its end the slots have what the order makes of them, beginning with
/// `held` instances.
void carry_out(const ScalingOrder& order, std::uint32_t held, std::span<ProjectedSlot> slots);

/// Of `wanted` instances for messages that wait, those that may be started when there are `usable`.
std::uint32_t startable(const ScalingOrder& order, std::uint32_t usable, std::uint32_t wanted);

}  // namespace forewarm
