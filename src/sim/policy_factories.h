#pragma once

#include <vector>

#include "sim/policies.h"
#include "sim/policy_options.h"

namespace forewarm {

// What makes the scalers of each policy from its options: Invalid with what was expected otherwise.

Result<ScalerFactory> keda_factory(const std::vector<PolicyOption>& options);
Result<ScalerFactory> knative_factory(const std::vector<PolicyOption>& options);
Result<ScalerFactory> lambda_factory(const std::vector<PolicyOption>& options);
Result<ScalerFactory> provisioned_concurrency_factory(const std::vector<PolicyOption>& options);
Result<ScalerFactory> cloud_run_factory(const std::vector<PolicyOption>& options);
Result<ScalerFactory> azure_target_factory(const std::vector<PolicyOption>& options);
Result<ScalerFactory> openwhisk_factory(const std::vector<PolicyOption>& options);
Result<ScalerFactory> openfaas_factory(const std::vector<PolicyOption>& options);
Result<ScalerFactory> worker_pod_factory(const std::vector<PolicyOption>& options);
Result<ScalerFactory> erlang_factory(const std::vector<PolicyOption>& options);
Result<ScalerFactory> hybrid_histogram_factory(const std::vector<PolicyOption>& options);
Result<ScalerFactory> aws_predictive_factory(const std::vector<PolicyOption>& options);
Result<ScalerFactory> holt_winters_factory(const std::vector<PolicyOption>& options);
Result<ScalerFactory> crane_factory(const std::vector<PolicyOption>& options);
Result<ScalerFactory> kedastral_factory(const std::vector<PolicyOption>& options);
Result<ScalerFactory> keep_alive_factory(const std::vector<PolicyOption>& options);
Result<ScalerFactory> ski_rental_factory(const std::vector<PolicyOption>& options);
Result<ScalerFactory> faascache_factory(const std::vector<PolicyOption>& options);
Result<ScalerFactory> static_factory(const std::vector<PolicyOption>& options);

}  // namespace forewarm
