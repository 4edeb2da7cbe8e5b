#include "core/scale/order.h"

#include <algorithm>

namespace forewarm {

ScalingOrder order_at(const ScalingOrder& order, TimePoint now) {
  return order.until > now ? order : ScalingOrder{};
}

void carry_out(const ScalingOrder& order, const QueueUnderOrder& queue, ScalingPlan& plan) {
  const std::uint32_t before = plan.instances;
  switch (order.kind) {
    case OrderKind::None:
      return;
    case OrderKind::PauseIn:
      plan.instances = std::max(before, queue.held);
      break;
    case OrderKind::PauseOut:
      plan.instances = std::min(before, std::max(queue.held, queue.starved ? 1U : 0U));
      break;
    case OrderKind::Force:
      plan.instances = order.instances;
      plan.keep_idle = Duration(0);
      break;
  }
  const bool forced = order.kind == OrderKind::Force;
  if (!forced && plan.instances == before) return;
  plan.warm_floor = std::min(plan.warm_floor, plan.instances);
  plan.reason.constraint = forced ? Constraint::Forced : Constraint::Paused;
  // They were calculated for one more and one less than the scaler's own number.
  plan.reason.one_more_saves = 0;
  plan.reason.one_more_costs_seconds = 0;
  plan.reason.one_less_late = 0;
  plan.reason.one_less_saves_seconds = 0;
}

void carry_out(const ScalingOrder& order, std::uint32_t held, std::span<ProjectedSlot> slots) {
  for (ProjectedSlot& slot : slots) {
    const ScalingOrder here = order_at(order, slot.at);
    if (here.kind == OrderKind::None) return;
    const bool ends = here.until < saturating_add(slot.at, from_seconds(slot.outlook.seconds));
    ScalingPlan plan;
    plan.instances = slot.instances;
    plan.reason = slot.reason;
    carry_out(here, {.held = held}, plan);
    if (ends && plan.instances < slot.instances) return;  // what is wanted after its end begins early
    const bool bounds = here.kind != OrderKind::PauseIn && !ends;
    if (bounds)
      slot.most = here.kind == OrderKind::Force ? here.instances : held;
    else
      slot.most = std::max(slot.most, plan.instances);
    held = slot.instances = plan.instances;  // a pause keeps what it has come to
    slot.reason = plan.reason;
  }
}

std::uint32_t startable(const ScalingOrder& order, std::uint32_t usable, std::uint32_t wanted) {
  switch (order.kind) {
    case OrderKind::None:
    case OrderKind::PauseIn:
      return wanted;
    case OrderKind::PauseOut:
      return usable == 0 ? std::min(wanted, 1U) : 0;
    case OrderKind::Force:
      return order.instances > usable ? std::min(wanted, order.instances - usable) : 0;
  }
  return wanted;
}

}  // namespace forewarm
