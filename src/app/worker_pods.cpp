#include "app/worker_pods.h"

#include <utility>
#include <vector>

namespace forewarm {
namespace {

PodUse::Kind kind_of(PoolWorkerPod::Use use) {
  switch (use) {
    case PoolWorkerPod::Use::Unused:
      return PodUse::Kind::Unused;
    case PoolWorkerPod::Use::Idle:
      return PodUse::Kind::Idle;
    case PoolWorkerPod::Use::Busy:
      break;
  }
  return PodUse::Kind::Busy;
}

}  // namespace

Result<std::unique_ptr<WorkerPods>> WorkerPods::make(Server server, const WorkerPodsConfig& config) {
  if (!config.deletion_cost) return std::unique_ptr<WorkerPods>();
  KubernetesApi api = find_kubernetes_api(config.access);
  if (api.url.empty())
    return error(ErrorCode::Invalid,
                 "[workers] pods.deletion_cost needs pods.url, the API server's: this is not a pod that "
                 "Kubernetes would tell it");
  std::unique_ptr<WorkerPods> made(new WorkerPods(*server.pool, std::move(api.space)));
  PodCosts costs{
      .url = std::move(api.url), .ca_file = std::move(api.ca_file), .authorise = std::move(api.authorise)};
  costs.problem = [server, alive = std::weak_ptr(made->alive_)](const std::string& space,
                                                                const std::string& text) {
    server.loop->post([server, alive, space, text] {
      if (!alive.lock()) return;
      if (text.empty())
        server.log->info("the deletion costs of workers' pods are set again", {{"namespace", space}});
      else
        server.log->warning(
            "the deletion costs of workers' pods cannot be set; busy ones may be deleted first",
            {{"namespace", space}, {"reason", text}});
    });
  };
  made->keeper_ = keep_pod_costs(std::move(costs));
  return made;
}

void WorkerPods::look() const {
  std::vector<PodUse> uses;
  for (const PoolWorkerPod& worker : pool_.pods()) uses.push_back(pod_use_of(worker, space_));
  keeper_->look(std::move(uses));
}

PodUse pod_use_of(const PoolWorkerPod& worker, const std::string& space) {
  PodUse use{.pod = {.space = space, .name = worker.pod},
             .workload = worker.function.value(),
             .kind = kind_of(worker.use),
             .since = worker.since};
  if (const std::size_t slash = worker.pod.find('/'); slash != std::string::npos)
    use.pod = {.space = worker.pod.substr(0, slash), .name = worker.pod.substr(slash + 1)};
  return use;
}

}  // namespace forewarm
