#pragma once

#include <cstdint>

#include "sim/bounds/bound.h"

namespace forewarm {

struct ZeroWait {
  double instance_seconds = 0;
  std::uint64_t starts = 0;  ///< in the window
  std::uint32_t peak = 0;    ///< instances
};

/// The fewest instance-seconds with which no message waits, by a policy that knows all to come: exact.
///
/// The number of jobs at work is a sum of levels, of which each is at work or not; the k-th instance bridges
/// a gap g of its level if that is cheaper than to start again, so it costs min(g, start_seconds). Levels
/// nest: the gaps of a higher one contain those of a lower. O(n log n).
ZeroWait zero_wait_optimum(const BoundProblem& problem);

}  // namespace forewarm
