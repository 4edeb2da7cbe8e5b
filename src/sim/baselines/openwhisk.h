#pragma once

#include <cstdint>
#include <memory>

#include "core/scale/scaler.h"

namespace forewarm {

/// Apache OpenWhisk's scheduler: each 100 ms as many containers more as would finish in 100 ms what waits,
/// those for messages that have waited longer counted apart, never more than messages. An idle container is
/// kept for 10 minutes.
///
/// Source: openwhisk core/scheduler, queue/SchedulingDecisionMaker.scala and application.conf
/// (scheduler.queue.stale-threshold, container-proxy.timeouts.idle-container).
///
/// Assumptions: all that waits is in the scheduler's queue; of the messages that have waited, those count as
/// stale that could have been there at the last check. A container that is paused for want of work (after 10
/// s) is as good as an idle one. There are no stem cells. Where nothing waits or runs, the check is made at
/// the first message that has to wait, and each second instead of each 100 ms.
struct OpenWhiskOptions {
  Duration check = 100ms;  ///< between two decisions
  Duration stale = 100ms;  ///< stale-threshold: a message should wait no longer
  Duration idle = 10min;
  std::uint32_t max = 1000;  ///< the namespace's limit of containers
};

std::unique_ptr<Scaler> make_openwhisk_scaler(const OpenWhiskOptions& options);

}  // namespace forewarm
