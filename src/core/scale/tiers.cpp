#include "core/scale/tiers.h"

#include <algorithm>

namespace forewarm {

TierSplit cheapest_tiers(std::span<const ProjectedSlot> slots, std::span<const std::uint32_t> set,
                         const TierPrices& prices) {
  TierSplit split;
  const std::uint32_t most = set.empty() ? 0 : *std::ranges::max_element(set);
  for (std::uint32_t level = 1; level <= most; ++level) {
    double on_demand = 0, committed = 0;
    for (std::size_t i = 0; i < slots.size(); ++i) {
      const double length = slots[i].outlook.seconds;
      const double idle = last_instance(slots[i].outlook, level).idle_seconds_added;
      const double busy = std::max(0.0, length - idle);
      on_demand += busy * prices.busy_second + (set[i] >= level ? idle * prices.idle_second : 0);
      committed += length * prices.committed_second + busy * prices.committed_busy_second;
    }
    if (committed >= on_demand) break;
    split.committed = level;
    split.saves += on_demand - committed;
  }
  return split;
}

}  // namespace forewarm
