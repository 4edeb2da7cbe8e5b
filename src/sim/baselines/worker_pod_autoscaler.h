#pragma once

#include <cstdint>
#include <memory>

#include "core/scale/scaler.h"

namespace forewarm {

/// practo's Worker Pod Autoscaler for SQS: workers = visible messages / target, never fewer than Little's law
/// says (service time x messages sent a minute / 60), down only when the last change is 10 minutes ago.
///
/// Source: practo/k8s-worker-pod-autoscaler, pkg/controller/controller.go (GetDesiredWorkers),
/// scale_operation.go and pkg/queue/sqs.go. There is no default target: 2 is that of its manual's example.
///
/// Assumptions: secondsToProcessOneJob, which an operator sets, is the measured mean; messages a minute come
/// without the delay that CloudWatch has: kinder than the product. From none to some waits for the next
/// decision: the controller looks each 20 s, though the queue is polled all the time.
struct WorkerPodOptions {
  double target = 2;      ///< targetMessagesPerWorker
  bool by_rate = true;    ///< secondsToProcessOneJob is set
  double disruption = 1;  ///< maxDisruption: share of the workers that may go at a decision
  std::uint32_t min = 0;
  std::uint32_t max = 100;
  double tolerance = 0.1;       ///< a smaller change is none
  Duration down_delay = 10min;  ///< scale-down-delay-after-last-scale-activity
  Duration every = 20s;         ///< resync-period
};

std::unique_ptr<Scaler> make_worker_pod_scaler(const WorkerPodOptions& options);

}  // namespace forewarm
