#pragma once

#include <cstdint>
#include <span>

#include "core/scale/actuator.h"

namespace forewarm {

/// Level k is the k-th instance. From the lowest on, a level is committed while it is expected to cost less
/// so than on demand: where idle is free, while its busy share is above
/// committed_second / (busy_second - committed_busy_second). `set`: instances in each slot.
TierSplit cheapest_tiers(std::span<const ProjectedSlot> slots, std::span<const std::uint32_t> set,
                         const TierPrices& prices);

}  // namespace forewarm
