#include "sim/policies.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "sim/policy_factories.h"
#include "sim/policy_options.h"

namespace forewarm {
namespace {

constexpr std::string_view kHelp =
    "forewarm             forewarm's own policy, as configured\n"
    "reactive             forewarm without prediction: its reactive net only\n"
    "keda[:OPTIONS]       KEDA with its HPA; target=5 activation=0 min=0 max=100 polling=30s cooldown=300s\n"
    "                     sync=15s tolerance=0.1 stabilisation=300s in-flight=yes delayed=no\n"
    "                     metric-type=average (or value); behavior=no, or of it up-window=0s up-pods=4\n"
    "                     up-percent=100 down-pods=0 down-percent=100 period=15s\n"
    "knative[:OPTIONS]    Knative's autoscaler by concurrency; concurrency=1 utilisation=0.7 stable=60s\n"
    "                     panic-threshold=2 scale-down-delay=0s grace=30s min=0 max=1000\n"
    "lambda[:OPTIONS]     AWS Lambda behind an SQS event source mapping; idle=10m max=1250, or\n"
    "                     provisioned=POLLERS\n"
    "provisioned-concurrency[:OPTIONS]\n"
    "                     AWS Lambda's, with target tracking; target=0.7 min=1 max=1000 allocation=90s\n"
    "                     idle=10m\n"
    "cloud-run[:OPTIONS]  Google Cloud Run by concurrency; concurrency=1 utilisation=0.6 idle=15m min=0\n"
    "                     max=1000\n"
    "azure-target[:OPTIONS]\n"
    "                     Azure Functions, target-based; target=1 up=4 max=200 every=10s idle=20m\n"
    "openwhisk[:OPTIONS]  Apache OpenWhisk's scheduler; check=100ms stale=100ms idle=10m max=1000\n"
    "openfaas[:OPTIONS]   OpenFaaS Pro's autoscaler; type=capacity (or rps) target=1 proportion=0.9 min=1\n"
    "                     max=20 zero=no zero-duration=15m down-window=0s every=10s\n"
    "wpa[:OPTIONS]        practo's Worker Pod Autoscaler; target=2 by-rate=yes disruption=1 min=0 max=100\n"
    "                     tolerance=0.1 down-delay=10m every=20s\n"
    "erlang[:OPTIONS]     Erlang's C formula on a smoothed rate; weight=0.3 idle=60s max=1000\n"
    "hybrid-histogram[:OPTIONS]\n"
    "                     idle times decide when to load and unload (Shahrad et al. 2020); range=4h bin=1m\n"
    "                     head=0.05 tail=0.99 margin=0.1 variation=2 out-of-bounds=0.5\n"
    "                     forecast-margin=0.15 max=1000\n"
    "aws-predictive[:OPTIONS]\n"
    "                     AWS predictive scaling over target tracking; target=0.7 min=1 max=1000\n"
    "                     buffer=300s cooldown=300s\n"
    "holt-winters[:OPTIONS]\n"
    "                     the Predictive HPA (PHPA); target=5 alpha=0.9 beta=0.9 gamma=0.9 every=60s\n"
    "                     season=1h seasons=4 min=1 max=100 sync=15s tolerance=0.1 stabilisation=300s\n"
    "crane[:OPTIONS]      Crane's HPA with periods found by Fourier's transform; target=5 min=1 max=100\n"
    "                     sync=15s tolerance=0.1 stabilisation=300s\n"
    "kedastral[:OPTIONS]  Kedastral's forecast for KEDA; target=1 headroom=1.2 lead=60s window=6h up=2\n"
    "                     down-percent=50 min=1 max=100 stabilisation=300s\n"
    "ski-rental[:TIME]    keep-alive for the time that costs what a start does; TIME: the price of a cold\n"
    "                     start\n"
    "keep-alive[:TIME]    one start a message that finds nothing idle, kept idle for TIME; idle=10m\n"
    "                     max=1000\n"
    "faascache[:OPTIONS]  FaasCache's greedy-dual cache of instances, where memory is short; max=1000\n"
    "static:COUNT         always COUNT instances\n"
    "Any of them may also have freeze=TIME: an instance idle for that long is frozen.\n";

Result<ScalerFactory> own_factory(const std::vector<PolicyOption>& options, bool predict) {
  if (!options.empty())
    return expected_value("forewarm, reactive", "no options but freeze: they follow the configuration",
                          options[0].key);
  return [predict](const MappingSettings& mapping) {
    ScalingSettings settings = mapping.scaling;
    settings.predict = settings.predict && predict;
    return make_predictive_scaler(settings);
  };
}

/// A policy's name, the option that a bare value is for, and what reads its options.
struct Named {
  std::string_view name;
  std::string_view bare_key;
  Result<ScalerFactory> (*make)(const std::vector<PolicyOption>&);
};
constexpr Named kPolicies[] = {
    {"forewarm", "", [](const std::vector<PolicyOption>& options) { return own_factory(options, true); }},
    {"reactive", "", [](const std::vector<PolicyOption>& options) { return own_factory(options, false); }},
    {"keda", "", &keda_factory},
    {"knative", "", &knative_factory},
    {"lambda", "", &lambda_factory},
    {"provisioned-concurrency", "", &provisioned_concurrency_factory},
    {"cloud-run", "", &cloud_run_factory},
    {"azure-target", "", &azure_target_factory},
    {"openwhisk", "", &openwhisk_factory},
    {"openfaas", "", &openfaas_factory},
    {"wpa", "", &worker_pod_factory},
    {"erlang", "", &erlang_factory},
    {"hybrid-histogram", "", &hybrid_histogram_factory},
    {"aws-predictive", "", &aws_predictive_factory},
    {"holt-winters", "", &holt_winters_factory},
    {"crane", "", &crane_factory},
    {"kedastral", "", &kedastral_factory},
    {"keep-alive", "idle", &keep_alive_factory},
    {"ski-rental", "cold-start", &ski_rental_factory},
    {"faascache", "", &faascache_factory},
    {"static", "instances", &static_factory},
};

/// Takes freeze=TIME out of a policy's options.
Result<std::optional<Duration>> take_freezing(std::vector<PolicyOption>& options) {
  const auto said = std::ranges::stable_partition(
      options, [](const PolicyOption& option) { return option.key != "freeze"; });
  std::optional<Duration> after;
  if (!said.empty()) {
    const std::vector<PolicyOption> taken(said.begin(), said.end());
    if (Result<void> read = read_policy_options("any", taken, {{"freeze", &after.emplace()}}); !read)
      return std::unexpected(read.error());
  }
  options.erase(said.begin(), said.end());
  return after;
}

Result<Policy> policy_of(std::string_view name, std::string_view rest) {
  const auto found = std::ranges::find(kPolicies, name, &Named::name);
  if (found == std::end(kPolicies)) {
    std::vector<std::string_view> names;
    for (const Named& known : kPolicies) names.push_back(known.name);
    return unknown_name("policy", name, names);
  }
  Result<std::vector<PolicyOption>> options = split_policy_options(rest, found->bare_key);
  if (!options) return std::unexpected(options.error());
  const Result<std::optional<Duration>> freeze_after = take_freezing(*options);
  if (!freeze_after) return std::unexpected(freeze_after.error());
  Result<ScalerFactory> factory = found->make(*options);
  if (!factory) return std::unexpected(factory.error());
  return Policy{.name = {}, .make_scaler = std::move(*factory), .freeze_after = *freeze_after};
}

}  // namespace

Result<Policy> parse_policy(std::string_view text) {
  const std::size_t colon = std::min(text.find(':'), text.size());
  const std::string_view rest = colon < text.size() ? text.substr(colon + 1) : std::string_view();
  Result<Policy> policy = policy_of(text.substr(0, colon), rest);
  if (!policy) {
    Error failure = policy.error();
    failure.message = "policy \"" + std::string(text) + "\": " + failure.message;
    return std::unexpected(std::move(failure));
  }
  policy->name = text;
  return policy;
}

std::string_view policies_help() {
  return kHelp;
}

}  // namespace forewarm
