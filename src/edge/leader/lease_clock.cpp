#include <time.h>

#include "edge/leader/leader_election.h"

namespace forewarm {

LeaseTime LeaseClock::now() {
  timespec at{};
  ::clock_gettime(CLOCK_BOOTTIME, &at);
  return time_point(std::chrono::duration_cast<Duration>(std::chrono::seconds(at.tv_sec) +
                                                         std::chrono::nanoseconds(at.tv_nsec)));
}

}  // namespace forewarm
