#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "sim/bounds/bound.h"

namespace forewarm {

/// One queue on a machine whose memory is shared.
struct MemoryQueue {
  std::span<const Job> jobs;
  double start_seconds = 1;  ///< that any instance takes at least until it is ready
  double memory = 1;         ///< of an instance; in any unit
  double late_cost = 1;      ///< of a message
};

struct MemoryBoundProblem {
  std::span<const MemoryQueue> queues;
  double memory_max = 1;
  double slack_seconds = 0;   ///< D: a message starts in time within this of its arrival
  double from = 0;            ///< messages that come before it may be late for nothing
  double to = 0;              ///< or from it on
  std::size_t moments = 400;  ///< at which the memory is looked at, at most; more is tighter and slower
};

/// The cost of late messages below which no policy comes that keeps all its instances within the memory,
/// starts included: the value of a linear programme, solved by Clp's dual simplex.
///
/// A message that starts in time is at work from its arrival and slack to its arrival and service, whenever
/// it starts; of those at work at one time each has an instance, and that was started a start earlier at
/// least. So at a moment t a queue has as many instances as it has messages in time at work at any time from
/// t to a start later, and all queues together hold no more than there is. A bound, because messages may be
/// late in part, late ones take no memory, and the memory is looked at only at some moments; exact but for
/// the parts where nothing may wait and all moments are looked at. Starting ahead of need is allowed: of the
/// policies that wait for a miss, those with Belady's rule among them, none comes below it. None if the
/// solver gives up.
std::optional<double> memory_bound(const MemoryBoundProblem& problem);

}  // namespace forewarm
