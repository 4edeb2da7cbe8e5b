#include "core/scale/directive.h"

#include <algorithm>

namespace forewarm {

ScalingDirective directive_at(const ScalingDirective& directive, TimePoint now) {
  return directive.until > now ? directive : ScalingDirective{};
}

void direct(const ScalingDirective& directive, const DirectedQueue& queue, ScalingPlan& plan) {
  const std::uint32_t before = plan.instances;
  switch (directive.kind) {
    case DirectiveKind::None:
      return;
    case DirectiveKind::PauseIn:
      plan.instances = std::max(before, queue.held);
      break;
    case DirectiveKind::PauseOut:
      plan.instances = std::min(before, std::max(queue.held, queue.starved ? 1U : 0U));
      break;
    case DirectiveKind::Force:
      plan.instances = directive.instances;
      plan.keep_idle = Duration(0);
      break;
  }
  const bool forced = directive.kind == DirectiveKind::Force;
  if (!forced && plan.instances == before) return;
  plan.warm_floor = std::min(plan.warm_floor, plan.instances);
  plan.reason.constraint = forced ? Constraint::Forced : Constraint::Paused;
  // They were calculated for one more than the scaler's own number.
  plan.reason.one_more_saves = 0;
  plan.reason.one_more_costs_seconds = 0;
}

std::uint32_t startable(const ScalingDirective& directive, std::uint32_t usable, std::uint32_t wanted) {
  switch (directive.kind) {
    case DirectiveKind::None:
    case DirectiveKind::PauseIn:
      return wanted;
    case DirectiveKind::PauseOut:
      return usable == 0 ? std::min(wanted, 1U) : 0;
    case DirectiveKind::Force:
      return directive.instances > usable ? std::min(wanted, directive.instances - usable) : 0;
  }
  return wanted;
}

}  // namespace forewarm
