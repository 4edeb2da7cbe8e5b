// Factories of the autoscalers that go by what is there.

#include <algorithm>
#include <string>

#include "sim/baselines/azure_target.h"
#include "sim/baselines/cloud_run.h"
#include "sim/baselines/erlang.h"
#include "sim/baselines/faascache.h"
#include "sim/baselines/keda.h"
#include "sim/baselines/keep_alive.h"
#include "sim/baselines/knative.h"
#include "sim/baselines/lambda.h"
#include "sim/baselines/openfaas.h"
#include "sim/baselines/openwhisk.h"
#include "sim/baselines/provisioned_concurrency.h"
#include "sim/baselines/static.h"
#include "sim/baselines/worker_pod_autoscaler.h"
#include "sim/policy_factories.h"

namespace forewarm {

Result<ScalerFactory> keda_factory(const std::vector<PolicyOption>& options) {
  KedaOptions keda;
  HpaBehavior behavior;
  bool by_value = false, has_behavior = false;
  const std::vector<PolicyField> of_behavior = {
      {"behavior", &has_behavior},        {"up-window", &behavior.up_window},
      {"up-pods", &behavior.up_pods},     {"up-percent", &behavior.up_percent},
      {"down-pods", &behavior.down_pods}, {"down-percent", &behavior.down_percent},
      {"period", &behavior.period}};
  std::vector<PolicyField> fields = {{"target", &keda.target},
                                     {"activation", &keda.activation},
                                     {"min", &keda.min},
                                     {"max", &keda.max},
                                     {"polling", &keda.polling},
                                     {"cooldown", &keda.cooldown},
                                     {"sync", &keda.sync},
                                     {"tolerance", &keda.tolerance},
                                     {"stabilisation", &keda.stabilisation},
                                     {"in-flight", &keda.scale_on_in_flight},
                                     {"delayed", &keda.scale_on_delayed},
                                     {"metric-type", Either{&by_value, {"average", "value"}}}};
  fields.insert(fields.end(), of_behavior.begin(), of_behavior.end());
  const Result<void> read = read_policy_options("keda", options, fields);
  if (!read) return std::unexpected(read.error());
  if (keda.target <= 0) return expected_value("target", "more than 0", "0");
  if (keda.polling < 1s || keda.sync < 1s) return expected_value("polling, sync", "at least 1s", "less");
  if (keda.min > keda.max) return expected_value("min", "at most max", std::to_string(keda.min));
  if (by_value) keda.metric = HpaMetric::Value;
  // Any of its options sets a behavior.
  for (const PolicyOption& option : options) {
    const bool sets_it = std::ranges::find(of_behavior, option.key, &PolicyField::key) != of_behavior.end();
    has_behavior = has_behavior || (option.key != "behavior" && sets_it);
  }
  if (has_behavior) keda.behavior = behavior;
  return [keda](const MappingSettings&) { return make_keda_scaler(keda); };
}

Result<ScalerFactory> knative_factory(const std::vector<PolicyOption>& options) {
  KnativeOptions knative;
  const Result<void> read = read_policy_options("knative", options,
                                                {{"concurrency", &knative.concurrency},
                                                 {"utilisation", &knative.utilisation},
                                                 {"stable", &knative.stable_window},
                                                 {"panic-threshold", &knative.panic_threshold},
                                                 {"scale-down-delay", &knative.scale_down_delay},
                                                 {"grace", &knative.to_zero_grace},
                                                 {"min", &knative.min},
                                                 {"max", &knative.max}});
  if (!read) return std::unexpected(read.error());
  if (knative.concurrency <= 0 || knative.utilisation <= 0)
    return expected_value("concurrency, utilisation", "more than 0", "0");
  if (knative.stable_window < 6s) return expected_value("stable", "at least 6s", "less");
  if (knative.min > knative.max) return expected_value("min", "at most max", std::to_string(knative.min));
  return [knative](const MappingSettings&) { return make_knative_scaler(knative); };
}

Result<ScalerFactory> lambda_factory(const std::vector<PolicyOption>& options) {
  LambdaOptions lambda;
  std::uint32_t pollers = 0;
  const Result<void> read = read_policy_options(
      "lambda", options, {{"idle", &lambda.idle}, {"max", &lambda.max}, {"provisioned", &pollers}});
  if (!read) return std::unexpected(read.error());
  if (pollers > 0) {
    LambdaOptions provisioned = provisioned_lambda(pollers);
    provisioned.idle = lambda.idle;
    lambda = provisioned;
  }
  return [lambda](const MappingSettings&) { return make_lambda_scaler(lambda); };
}

Result<ScalerFactory> cloud_run_factory(const std::vector<PolicyOption>& options) {
  CloudRunOptions run;
  const Result<void> read = read_policy_options("cloud-run", options,
                                                {{"concurrency", &run.concurrency},
                                                 {"utilisation", &run.utilisation},
                                                 {"idle", &run.idle},
                                                 {"min", &run.min},
                                                 {"max", &run.max}});
  if (!read) return std::unexpected(read.error());
  if (run.concurrency <= 0 || run.utilisation <= 0)
    return expected_value("concurrency, utilisation", "more than 0", "0");
  if (run.min > run.max) return expected_value("min", "at most max", std::to_string(run.min));
  return [run](const MappingSettings&) { return make_cloud_run_scaler(run); };
}

Result<ScalerFactory> provisioned_concurrency_factory(const std::vector<PolicyOption>& options) {
  ProvisionedConcurrencyOptions provisioned;
  const Result<void> read = read_policy_options("provisioned-concurrency", options,
                                                {{"target", &provisioned.target},
                                                 {"min", &provisioned.min},
                                                 {"max", &provisioned.max},
                                                 {"allocation", &provisioned.allocation},
                                                 {"idle", &provisioned.idle}});
  if (!read) return std::unexpected(read.error());
  if (provisioned.target <= 0 || provisioned.target >= 1)
    return expected_value("target", "above 0 and below 1", "another");
  if (provisioned.min < 1 || provisioned.min > provisioned.max)
    return expected_value("min", "1 to max", std::to_string(provisioned.min));
  return [provisioned](const MappingSettings&) { return make_provisioned_concurrency_scaler(provisioned); };
}

Result<ScalerFactory> azure_target_factory(const std::vector<PolicyOption>& options) {
  AzureTargetOptions azure;
  const Result<void> read = read_policy_options("azure-target", options,
                                                {{"target", &azure.target},
                                                 {"up", &azure.up},
                                                 {"max", &azure.max},
                                                 {"every", &azure.every},
                                                 {"idle", &azure.idle}});
  if (!read) return std::unexpected(read.error());
  if (azure.target <= 0) return expected_value("target", "more than 0", "0");
  if (azure.up < 1) return expected_value("up", "at least 1", "0");
  if (azure.every < 1s) return expected_value("every", "at least 1s", "less");
  return [azure](const MappingSettings&) { return make_azure_target_scaler(azure); };
}

Result<ScalerFactory> openwhisk_factory(const std::vector<PolicyOption>& options) {
  OpenWhiskOptions whisk;
  const Result<void> read = read_policy_options(
      "openwhisk", options,
      {{"check", &whisk.check}, {"stale", &whisk.stale}, {"idle", &whisk.idle}, {"max", &whisk.max}});
  if (!read) return std::unexpected(read.error());
  if (whisk.check < 10ms || whisk.stale < 10ms)
    return expected_value("check, stale", "at least 10ms", "less");
  return [whisk](const MappingSettings&) { return make_openwhisk_scaler(whisk); };
}

Result<ScalerFactory> openfaas_factory(const std::vector<PolicyOption>& options) {
  OpenFaasOptions faas;
  bool by_rate = false;
  const Result<void> read = read_policy_options("openfaas", options,
                                                {{"type", Either{&by_rate, {"capacity", "rps"}}},
                                                 {"target", &faas.target},
                                                 {"proportion", &faas.proportion},
                                                 {"min", &faas.min},
                                                 {"max", &faas.max},
                                                 {"zero", &faas.to_zero},
                                                 {"zero-duration", &faas.zero_duration},
                                                 {"down-window", &faas.down_window},
                                                 {"every", &faas.every}});
  if (!read) return std::unexpected(read.error());
  if (faas.target <= 0 || faas.proportion <= 0)
    return expected_value("target, proportion", "more than 0", "0");
  if (faas.down_window > 5min) return expected_value("down-window", "at most 5m", "more");
  if (faas.every < 1s) return expected_value("every", "at least 1s", "less");
  if (faas.min > faas.max) return expected_value("min", "at most max", std::to_string(faas.min));
  if (by_rate) faas.load = OpenFaasLoad::Rate;
  return [faas](const MappingSettings&) { return make_openfaas_scaler(faas); };
}

Result<ScalerFactory> worker_pod_factory(const std::vector<PolicyOption>& options) {
  WorkerPodOptions workers;
  const Result<void> read = read_policy_options("wpa", options,
                                                {{"target", &workers.target},
                                                 {"by-rate", &workers.by_rate},
                                                 {"disruption", &workers.disruption},
                                                 {"min", &workers.min},
                                                 {"max", &workers.max},
                                                 {"tolerance", &workers.tolerance},
                                                 {"down-delay", &workers.down_delay},
                                                 {"every", &workers.every}});
  if (!read) return std::unexpected(read.error());
  if (workers.target <= 0) return expected_value("target", "more than 0", "0");
  if (workers.disruption > 1) return expected_value("disruption", "a share, 0 to 1", "more");
  if (workers.every < 1s) return expected_value("every", "at least 1s", "less");
  if (workers.min > workers.max) return expected_value("min", "at most max", std::to_string(workers.min));
  return [workers](const MappingSettings&) { return make_worker_pod_scaler(workers); };
}

Result<ScalerFactory> erlang_factory(const std::vector<PolicyOption>& options) {
  ErlangOptions erlang;
  const Result<void> read = read_policy_options(
      "erlang", options, {{"weight", &erlang.weight}, {"idle", &erlang.idle}, {"max", &erlang.max}});
  if (!read) return std::unexpected(read.error());
  if (erlang.weight <= 0 || erlang.weight > 1)
    return expected_value("weight", "above 0 and up to 1", "another");
  return [erlang](const MappingSettings& mapping) mutable {
    erlang.objective = mapping.scaling.objective;
    erlang.late_share = mapping.scaling.late_share_max;
    return make_erlang_scaler(erlang);
  };
}

Result<ScalerFactory> keep_alive_factory(const std::vector<PolicyOption>& options) {
  KeepAliveOptions keep;
  const Result<void> read =
      read_policy_options("keep-alive", options, {{"idle", &keep.idle}, {"max", &keep.max}});
  if (!read) return std::unexpected(read.error());
  return [keep](const MappingSettings&) { return make_keep_alive_scaler(keep); };
}

Result<ScalerFactory> ski_rental_factory(const std::vector<PolicyOption>& options) {
  KeepAliveOptions keep{.ski_rental = true};
  const Result<void> read =
      read_policy_options("ski-rental", options, {{"cold-start", &keep.cold_start}, {"max", &keep.max}});
  if (!read) return std::unexpected(read.error());
  return [keep](const MappingSettings&) { return make_keep_alive_scaler(keep); };
}

namespace {

/// Each copy is for a machine of its own.
struct FaasCacheOfOneMachine {
  explicit FaasCacheOfOneMachine(const FaasCacheOptions& chosen) : options(chosen) {}
  FaasCacheOfOneMachine(const FaasCacheOfOneMachine& other) : options(other.options) {}
  FaasCacheOfOneMachine& operator=(const FaasCacheOfOneMachine&) = delete;

  std::unique_ptr<Scaler> operator()(const MappingSettings&) const {
    return make_faascache_scaler(options, clock);
  }

  FaasCacheOptions options;
  std::shared_ptr<FaasCacheClock> clock = std::make_shared<FaasCacheClock>();
};

}  // namespace

Result<ScalerFactory> faascache_factory(const std::vector<PolicyOption>& options) {
  FaasCacheOptions faascache;
  const Result<void> read = read_policy_options("faascache", options, {{"max", &faascache.max}});
  if (!read) return std::unexpected(read.error());
  return FaasCacheOfOneMachine(faascache);
}

Result<ScalerFactory> static_factory(const std::vector<PolicyOption>& options) {
  if (options.size() != 1)
    return expected_value("static", "a number of instances, for example static:4", "none or several");
  std::uint32_t instances = 0;
  if (Result<void> done = read_policy_options("static", options, {{"instances", &instances}}); !done)
    return std::unexpected(done.error());
  return [instances](const MappingSettings&) { return make_static_scaler(instances); };
}

}  // namespace forewarm
