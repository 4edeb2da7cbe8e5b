#include "core/scale/reactive.h"

#include <algorithm>

#include "core/scale/facts.h"

namespace forewarm {
namespace {

std::uint32_t wanted(const ScalingFacts& facts, const ScalingInputs& inputs,
                     const ScalingSettings& settings) {
  if (inputs.backlog.ready <= settings.baseline_threshold) {
    const std::uint32_t least = std::max(1U, facts.instances_min);
    return least > facts.usable ? least - facts.usable : 0;
  }
  const double turns = facts.slack_seconds / facts.service_seconds;
  const double left = facts.waiting - facts.slots_ready * (1 + turns) - facts.slots_busy * turns;
  if (left > 0) {
    const std::uint32_t more = std::max(1U, facts.instances_of(left / (1 + turns)));
    if (facts.service_known) return more;
    return std::min(more, kUnmeasuredMax > facts.usable ? kUnmeasuredMax - facts.usable : 0);
  }
  const bool stuck = seconds(inputs.backlog.oldest_wait) > facts.slack_seconds && facts.slots_ready == 0;
  return stuck ? 1 : 0;
}

}  // namespace

std::uint32_t instances_to_start(const ScalingInputs& inputs, const ScalingSettings& settings,
                                 const StartManner& manner) {
  if (inputs.backlog.ready == 0) return 0;
  ScalingFacts facts = read_facts(inputs, settings);
  facts.slack_seconds += seconds(manner.patience);
  if (facts.usable >= facts.instances_max) return 0;
  const std::uint32_t each = std::max(1U, manner.starts_per_cold);
  // What is left of several started for one message are the slow ones: nothing to rely on.
  const std::uint32_t starting = inputs.instances.starting, slow = starting - starting / each;
  facts.slots_ready -= slow * facts.capacity;
  std::uint32_t more = wanted(facts, inputs, settings);
  if (facts.usable == 0) more = std::max(more, 1U);
  more = static_cast<std::uint32_t>(std::min<std::uint64_t>(std::uint64_t{more} * each, UINT32_MAX));
  return std::min(more, facts.instances_max - facts.usable);
}

}  // namespace forewarm
