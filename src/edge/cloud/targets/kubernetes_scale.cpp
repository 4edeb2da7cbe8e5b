#include "edge/cloud/targets/kubernetes_scale.h"

#include <cstdlib>
#include <fstream>
#include <utility>

namespace forewarm {
namespace {

class KubernetesScale : public TargetTranslator {
 public:
  explicit KubernetesScale(const KubernetesWorkload& workload)
      : url_(workload.url + "/apis/apps/v1/namespaces/" + percent_encode(workload.space) + "/" +
             workload.resource + "/" + percent_encode(workload.name) + "/scale"),
        workload_(workload) {}

  std::optional<FetchRequest> read() const override {
    return FetchRequest{.method = "GET", .url = url_, .headers = {{"Accept", "application/json"}}};
  }

  /// An empty spec is one of 0: the API leaves out zeros.
  Result<TargetState> state(const HttpResponse& answer) const override {
    if (answer.status != 200) return std::unexpected(refusal(answer));
    const auto replicas = count_in(answer.body, "/spec/replicas");
    if (!replicas) return error(ErrorCode::Invalid, "the scale subresource: " + replicas.error().message);
    return TargetState{.set = replicas->value_or(0), .ready = {}};
  }

  /// The API server's words name neither the namespace nor the rights that are needed.
  Error refusal(const HttpResponse& answer) const override {
    Error refused = refusal_of(answer).error();
    if (answer.status == 404)
      refused.message += " (is there one of " + workload_.resource + " called " + workload_.name +
                         " in the namespace " + workload_.space +
                         "? See target.workload, target.name and target.namespace)";
    if (answer.status == 403)
      refused.message += " (its Role needs get and patch on " + workload_.resource +
                         "/scale in the namespace " + workload_.space + ")";
    return refused;
  }

  Result<FetchRequest> write(std::optional<std::uint32_t> instances) const override {
    if (!instances) return error(ErrorCode::Invalid, "a workload of Kubernetes has a number of replicas");
    return FetchRequest{
        .method = "PATCH",
        .url = url_ + "?fieldManager=forewarm",
        .headers = {{"Accept", "application/json"}, {"Content-Type", "application/merge-patch+json"}},
        .body = R"({"spec":{"replicas":)" + std::to_string(*instances) + "}}"};
  }

 private:
  std::string url_;
  KubernetesWorkload workload_;
};

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr ? value : "";
}

}  // namespace

std::unique_ptr<TargetTranslator> make_kubernetes_scale(KubernetesWorkload workload) {
  while (workload.url.ends_with('/')) workload.url.pop_back();
  return std::make_unique<KubernetesScale>(workload);
}

PodAccount find_pod_account() {
  PodAccount account;
  std::string host = environment("KUBERNETES_SERVICE_HOST");
  const std::string port = environment("KUBERNETES_SERVICE_PORT");
  if (host.find(':') != std::string::npos) host = "[" + host + "]";
  if (!host.empty()) account.url = "https://" + host + (port.empty() ? "" : ":" + port);
  std::ifstream file("/var/run/secrets/kubernetes.io/serviceaccount/namespace");
  std::getline(file, account.space);
  return account;
}

}  // namespace forewarm
