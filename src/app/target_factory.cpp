#include "app/target_factory.h"

#include <map>
#include <mutex>
#include <utility>

#include "app/kubernetes_access.h"
#include "edge/cloud/credentials/aws_credentials.h"
#include "edge/cloud/credentials/azure_credentials.h"
#include "edge/cloud/credentials/google_credentials.h"
#include "edge/cloud/targets/application_auto_scaling.h"
#include "edge/cloud/targets/azure_scale.h"
#include "edge/cloud/targets/command_target.h"
#include "edge/cloud/targets/http_target.h"
#include "edge/cloud/targets/kubernetes_scale.h"
#include "edge/cloud/targets/lambda_concurrency.h"
#include "edge/cloud/targets/service_scale.h"
#include "edge/cloud/targets/webhook.h"

namespace forewarm {
namespace {

using MadeTarget = Result<std::unique_ptr<ScaleTarget>>;

std::chrono::milliseconds timeout_of(const ControlTarget& target) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(target.timeout);
}

MadeTarget make_kubernetes(const ControlConfig& control) {
  const ControlTarget& target = control.target;
  KubernetesApi api = find_kubernetes_api(
      {.url = target.url, .space = target.space, .token_file = target.token_file, .ca_file = target.ca_file});
  KubernetesWorkload workload{.url = std::move(api.url),
                              .space = std::move(api.space),
                              .resource = target.workload + "s",
                              .name = target.name};
  if (workload.url.empty())
    return error(ErrorCode::Invalid,
                 "[[control]] '" + control.queue +
                     "' needs target.url, the API server's: this is not a pod that Kubernetes would tell it");
  HttpTargetOptions options{.timeout = timeout_of(target), .ca_file = std::move(api.ca_file)};
  options.authorise = std::move(api.authorise);
  return make_http_target(make_kubernetes_scale(std::move(workload)), std::move(options));
}

MadeTarget make_lambda(const ControlTarget& target) {
  const std::string url =
      target.url.empty() ? "https://lambda." + target.region + ".amazonaws.com" : target.url;
  HttpTargetOptions options{.timeout = timeout_of(target), .ca_file = target.ca_file};
  const std::shared_ptr<AwsCredentialSource> keys = make_aws_credentials();
  options.authorise = aws_signed([keys] { return keys->get(); }, target.region, "lambda");
  options.refused = [keys] { keys->renew(); };
  if (target.kind == "event-source-mapping")
    return make_http_target(make_mapping_concurrency({.url = url, .uuid = target.uuid}), std::move(options));
  if (target.kind == "provisioned-pollers")
    return make_http_target(make_mapping_pollers({.url = url, .uuid = target.uuid}), std::move(options));
  if (target.kind == "reserved-concurrency")
    return make_http_target(make_reserved_concurrency({.url = url, .function = target.function}),
                            std::move(options));
  return make_http_target(
      make_provisioned_concurrency({.url = url, .function = target.function, .qualifier = target.qualifier}),
      std::move(options));
}

MadeTarget make_scalable(const ControlConfig& control) {
  const ControlTarget& target = control.target;
  const std::string domain = target.region.starts_with("cn-") ? ".amazonaws.com.cn" : ".amazonaws.com";
  const std::string own = "https://application-autoscaling." + target.region + domain;
  const std::shared_ptr<AwsCredentialSource> keys = make_aws_credentials();
  ServiceAccess access{
      .url = target.url.empty() ? own : target.url, .timeout = timeout_of(target), .ca_file = target.ca_file};
  access.authorise = aws_signed([keys] { return keys->get(); }, target.region, "application-autoscaling");
  access.renew = [keys] { keys->renew(); };
  return make_application_auto_scaling(std::move(access), {.id = target.name,
                                                           .dimension = target.dimension,
                                                           .queue = control.queue,
                                                           .raise_most = target.raise_maximum});
}

/// The one lock of all targets in this process that rewrite one app.
std::shared_ptr<std::mutex> lock_of_app(const std::string& name) {
  static std::mutex guards;
  static std::map<std::string, std::weak_ptr<std::mutex>> locks;
  const std::scoped_lock guarded(guards);
  std::shared_ptr<std::mutex> lock = locks[name].lock();
  if (lock == nullptr) locks[name] = lock = std::make_shared<std::mutex>();
  return lock;
}

/// With the tokens of a source that can be told that one is refused.
template <class Source>
HttpTargetOptions with_tokens(const ControlTarget& target, const std::shared_ptr<Source>& source) {
  HttpTargetOptions options{.timeout = timeout_of(target), .ca_file = target.ca_file};
  options.authorise = bearer_token_of([source] { return source->get(); });
  options.refused = [source] { source->renew(); };
  return options;
}

MadeTarget make_cloud_run_target(const ControlTarget& target) {
  CloudRunService service{.name = target.name};
  if (!target.url.empty()) service.url = target.url;
  return make_http_target(make_cloud_run(std::move(service)), with_tokens(target, make_google_credentials()));
}

MadeTarget make_azure_target(const ControlTarget& target) {
  HttpTargetOptions options = with_tokens(target, make_azure_credentials("https://management.azure.com"));
  if (target.kind == "azure-flex") {
    AzureFlexGroup group{.name = target.name, .group = target.group};
    if (!target.url.empty()) group.url = target.url;
    options.one_at_a_time = lock_of_app(target.name);
    return make_http_target(make_azure_flex(std::move(group)), std::move(options));
  }
  AzureElasticApp app{.name = target.name,
                      .always_ready_max = static_cast<std::uint32_t>(target.always_ready_max)};
  if (!target.url.empty()) app.url = target.url;
  return make_http_target(make_azure_elastic(std::move(app)), std::move(options));
}

}  // namespace

MadeTarget make_target(const ControlConfig& control) {
  const ControlTarget& target = control.target;
  if (target.kind == "keda") return std::make_unique<KedaTarget>();
  if (target.kind == "kubernetes") return make_kubernetes(control);
  if (target.kind == "webhook") {
    HttpTargetOptions options{.timeout = timeout_of(target), .ca_file = target.ca_file};
    options.authorise = bearer_token_in(target.token_file);
    return make_http_target(
        make_webhook({.queue = control.queue, .url = target.url, .read_url = target.read_url}),
        std::move(options));
  }
  if (target.kind == "command")
    return make_command_target({.queue = control.queue,
                                .command = target.command,
                                .read_command = target.read_command,
                                .timeout = timeout_of(target)});
  if (target.kind == "cloud-run") return make_cloud_run_target(target);
  if (target.kind == "azure-premium" || target.kind == "azure-flex") return make_azure_target(target);
  if (target.kind == "application-auto-scaling") return make_scalable(control);
  return make_lambda(target);
}

std::string target_identity(const ControlTarget& target) {
  std::string text = target.kind;
  for (const std::string& part : {target.url, target.space, target.workload, target.name, target.function,
                                  target.qualifier, target.uuid, target.region})
    text += "|" + part;
  for (const std::string& part : {target.dimension, target.group})
    if (!part.empty()) text += "|" + part;
  for (const std::string& word : target.command) text += "|" + word;
  return text;
}

Result<std::string> scaled_object_of(const ControlFile& file, const ControlConfig& control) {
  const ControlTarget& target = control.target;
  if (target.kind != "keda")
    return error(ErrorCode::Invalid, "'" + control.queue + "' has the target " + target.kind +
                                         "; a ScaledObject is for target.kind = \"keda\"");
  ScaledWorkload workload{.name = target.name, .workload = target.name};
  if (!target.space.empty()) workload.space = target.space;
  if (target.workload == "statefulset") workload.kind = "StatefulSet";
  workload.queue = control.queue;
  if (target.via == "grpc") {
    workload.scaler = target.url.empty() ? file.keda.listen : target.url;
    workload.tls = !file.keda.tls_certificate.empty();
    workload.client_certificate = !file.keda.client_ca_file.empty();
  } else {
    std::string url = target.url.empty() ? "http://" + file.admin : target.url;
    while (url.ends_with('/')) url.pop_back();
    workload.url = url + "/v1/keda/" + control.queue;
  }
  workload.least = control.scaling.instances_min;
  workload.most = control.scaling.instances_max;
  workload.token = !file.admin_tokens.empty();
  return scaled_object(workload);
}

}  // namespace forewarm
