#pragma once

namespace forewarm {

/// Asks the system to let the calling thread run soon after it wakes, for short spans: it answers somebody,
/// and seldom has much to do. Its share of the processors stays what it is. Threads and processes that it
/// starts do not inherit it. Linux 6.12 and later (sched_setattr(2): sched_runtime of SCHED_OTHER); nothing
/// on others, whose scheduler lets what slept go first by itself.
void ask_for_short_slices();

}  // namespace forewarm
