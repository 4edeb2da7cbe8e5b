#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "core/scale/scaler.h"

namespace forewarm {

/// The plan of a rule that says a number: `instances`, at most what the function and the machine allow, for
/// the time `holds`.
inline ScalingPlan rule_plan(const ScalingInputs& inputs, Duration holds, double instances) {
  ScalingPlan plan;
  plan.queue = inputs.queue;
  plan.at = inputs.now;
  plan.until = saturating_add(inputs.now, holds);
  plan.instances =
      static_cast<std::uint32_t>(std::clamp(instances, 0.0, static_cast<double>(inputs.instances_limit)));
  plan.reason.constraint = Constraint::Rule;
  return plan;
}

/// One start for each waiting message that has neither an idle instance nor one that was started for it, up
/// to `max` instances in all and what the function and the machine allow.
inline std::uint32_t start_one_each(const ScalingInputs& inputs, std::uint32_t max) {
  const std::uint32_t most = std::min(max, inputs.instances_limit);
  const std::uint32_t usable = inputs.instances.usable();
  const std::uint32_t provided = inputs.instances.idle + inputs.instances.starting;
  if (usable >= most || provided >= inputs.backlog.ready) return 0;
  return std::min(inputs.backlog.ready - provided, most - usable);
}

/// Instances that run, idle or busy.
inline std::uint32_t ready_instances(const ScalingInputs& inputs) {
  return inputs.instances.idle + inputs.instances.busy;
}

/// Messages that wait or run: a queue's length as most autoscalers read it.
inline double messages_there(const ScalingInputs& inputs) {
  return static_cast<double>(inputs.backlog.ready) + inputs.backlog.in_flight;
}

/// Messages that would run at a time if none had to wait: the last minute's rate times the mean service time
/// (Little 1961). Unlike a queue's length it does not depend on how many instances there are.
inline double offered_load(const ScalingInputs& inputs) {
  const double offered = static_cast<double>(inputs.arrivals_per_second) * seconds(inputs.service_time.mean);
  return std::isfinite(offered) ? std::max(0.0, offered) : 0;
}

}  // namespace forewarm
