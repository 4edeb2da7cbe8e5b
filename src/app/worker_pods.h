#pragma once

#include <memory>

#include "app/remote_config.h"
#include "base/result.h"
#include "edge/functions/worker_pool.h"
#include "edge/leader/pod_cost.h"
#include "edge/net/loop.h"
#include "edge/observe/log.h"

namespace forewarm {

/// Tells Kubernetes which pods of workers may go first: those that are not needed (docs/workers.md). The
/// loop's thread's.
class WorkerPods {
 public:
  struct Server {
    Loop* loop = nullptr;
    Log* log = nullptr;
    const WorkerPool* pool = nullptr;
  };
  /// Null where nobody wants it. Invalid with the remedy where this machine lacks what it needs.
  static Result<std::unique_ptr<WorkerPods>> make(Server server, const WorkerPodsConfig& config);

  /// To be called every second.
  void look() const;

 private:
  WorkerPods(const WorkerPool& pool, std::string space) : pool_(pool), space_(std::move(space)) {}

  const WorkerPool& pool_;
  std::string space_;  ///< of pods whose workers do not know theirs
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  std::unique_ptr<PodCostKeeper> keeper_;
};

/// A worker's pod as Kubernetes has it. Pure.
PodUse pod_use_of(const PoolWorkerPod& worker, const std::string& space);

}  // namespace forewarm
