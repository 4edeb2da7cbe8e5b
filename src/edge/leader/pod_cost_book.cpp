#include <algorithm>
#include <set>
#include <tuple>

#include "edge/leader/pod_cost.h"

namespace forewarm {
namespace {

std::int32_t usual_cost(PodUse::Kind kind) {
  switch (kind) {
    case PodUse::Kind::Unused:
      return kUnusedPodCost;
    case PodUse::Kind::Idle:
      return kIdlePodCost;
    case PodUse::Kind::Busy:
      break;
  }
  return kBusyPodCost;
}

/// First those that would be deleted though they are used, then those that may be, then those that should
/// not.
int urgency(std::int32_t cost, std::optional<std::int32_t> known) {
  if (known && *known < kIdlePodCost) return 0;
  if (cost < kIdlePodCost) return 1;
  return cost > kIdlePodCost ? 2 : 3;
}

}  // namespace

/// None: it stays as it is.
std::optional<std::int32_t> PodCostBook::cost_of(const Seen& seen, bool surplus,
                                                 std::optional<std::int32_t> known) const {
  if (surplus && seen.since >= timing_.settle) return usual_cost(seen.kind);
  if (seen.kind == PodUse::Kind::Unused) return std::nullopt;
  return std::max(known.value_or(kIdlePodCost), kIdlePodCost);
}

std::vector<PodCostPatch> PodCostBook::plan(const std::vector<PodUse>& uses, Clock::time_point now) {
  std::map<PodPlace, Seen> seen;
  for (const PodUse& use : uses) {
    const Seen one{.kind = use.kind, .since = use.since, .workload = use.workload};
    const auto [there, added] = seen.emplace(use.pod, one);
    if (!added && std::tie(one.kind, one.since) > std::tie(there->second.kind, there->second.since))
      there->second = one;
  }
  std::set<std::uint64_t> with_surplus;
  for (const auto& [pod, one] : seen) {
    if (one.kind == PodUse::Kind::Unused && one.since >= timing_.settle) with_surplus.insert(one.workload);
  }
  std::erase_if(known_, [&](const auto& each) { return !seen.contains(each.first); });
  std::erase_if(resting_, [&](const auto& each) { return each.second <= now; });
  std::vector<std::pair<int, PodCostPatch>> found;
  for (const auto& [pod, one] : seen) {
    if (resting_.contains(pod.space)) continue;
    const auto kept = known_.find(pod);
    const std::optional<std::int32_t> known =
        kept != known_.end() ? std::optional(kept->second) : std::nullopt;
    const std::optional<std::int32_t> cost = cost_of(one, with_surplus.contains(one.workload), known);
    if (cost && cost != known) found.push_back({urgency(*cost, known), {.pod = pod, .cost = *cost}});
  }
  std::ranges::stable_sort(found, {}, &std::pair<int, PodCostPatch>::first);
  std::vector<PodCostPatch> patches;
  patches.reserve(found.size());
  for (auto& [how, patch] : found) patches.push_back(std::move(patch));
  return patches;
}

void PodCostBook::failed(const PodPlace& pod, Clock::time_point now) {
  known_.erase(pod);
  resting_.insert_or_assign(pod.space, now + timing_.rest);
}

}  // namespace forewarm
