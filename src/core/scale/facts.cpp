#include "core/scale/facts.h"

#include <algorithm>
#include <cmath>

namespace forewarm {
namespace {

constexpr double kDurationMaxSeconds = 86'400;
constexpr double kServiceMinSeconds = 1e-6;
constexpr double kServiceGuessSeconds = 1;
constexpr double kLeadGuessSeconds = 1;
constexpr double kStepGuessSeconds = 10;
constexpr double kLateShareMin = 1e-4;
constexpr double kLateShareMax = 0.5;
constexpr double kCountTolerance = 1e-9;

double within(Duration duration, double least, double otherwise) {
  if (duration.count() <= 0) return otherwise;
  return std::clamp(seconds(duration), least, kDurationMaxSeconds);
}

}  // namespace

std::uint32_t ScalingFacts::instances_of(double slots) const {
  const double instances = std::ceil(slots / capacity - kCountTolerance);
  if (!(instances > 0)) return 0;
  return static_cast<std::uint32_t>(std::min(instances, 1e9));
}

double sound_late_share(const ScalingSettings& settings) {
  // NaN becomes the least.
  return settings.late_share_max >= kLateShareMin ? std::min(settings.late_share_max, kLateShareMax)
                                                  : kLateShareMin;
}

Duration planned_lead(const DurationSummary& start_time) {
  return from_seconds(within(start_time.p95, 0, kLeadGuessSeconds));
}

ScalingFacts read_facts(const ScalingInputs& inputs, const ScalingSettings& settings) {
  ScalingFacts facts;
  const InstanceCounts& counts = inputs.instances;
  facts.capacity = std::max(1U, settings.instance_capacity);
  facts.waiting = inputs.backlog.ready;
  facts.slots_ready = (static_cast<double>(counts.idle) + counts.starting) * facts.capacity;
  facts.slots_busy = counts.busy * facts.capacity;
  facts.running = std::min(static_cast<double>(inputs.backlog.in_flight), facts.slots_busy);
  facts.service_known = inputs.service_time.observed > 0 && inputs.service_time.mean.count() > 0;
  if (facts.service_known)
    facts.service_seconds = within(inputs.service_time.mean, kServiceMinSeconds, kServiceGuessSeconds);
  facts.lead_seconds = within(inputs.start_time.p95, 0, kLeadGuessSeconds);
  facts.start_seconds = within(inputs.start_time.mean, 0, facts.lead_seconds);
  facts.slack_seconds = within(settings.objective, 0, 0);
  facts.late_if_cold = inputs.late_if_cold >= 0 ? std::min(inputs.late_if_cold, 1.0) : 1;  // NaN becomes 1
  facts.step_seconds = within(inputs.step, 1e-3, kStepGuessSeconds);
  const std::uint64_t usable = std::uint64_t{counts.starting} + counts.idle + counts.busy;
  facts.usable = static_cast<std::uint32_t>(std::min<std::uint64_t>(usable, UINT32_MAX));
  bound_by(overrides_at(inputs.overrides, inputs.now, planned_lead(inputs.start_time)), inputs, settings,
           facts);
  return facts;
}

void bound_by(const OverrideBounds& said, const ScalingInputs& inputs, const ScalingSettings& settings,
              ScalingFacts& facts) {
  facts.instances_max = std::min(settings.instances_max, inputs.instances_limit);
  facts.overridden_max = said.at_most && *said.at_most < facts.instances_max;
  if (facts.overridden_max) facts.instances_max = *said.at_most;
  facts.instances_min = std::min(std::max(settings.instances_min, said.at_least), facts.instances_max);
  facts.overridden_min = said.at_least > settings.instances_min;
  facts.factor = said.factor;
}

}  // namespace forewarm
