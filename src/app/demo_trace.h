#pragma once

#include <string>

#include "base/result.h"
#include "edge/trace/trace.h"

namespace forewarm {

/// The folder of the trace that is shipped; looked for beside and above the program, then in the current
/// folder. NotFound says where it was looked for.
Result<std::string> shipped_trace();

/// The shipped trace's queues that are worth watching: timers, regular batches, bursts, and some that nobody
/// can predict.
const std::vector<std::string>& demo_queues();

/// The trace with all its time divided by `speed`: arrivals and service times alike, so that as many
/// instances are needed at a time as in the original. Every arrival has a service time afterwards (drawn from
/// the queue's recorded percentiles where the trace has none of its own), of at least 0.2 ms.
Trace compress_time(const Trace& trace, double speed, std::uint64_t seed);

}  // namespace forewarm
