#pragma once

#include <memory>
#include <string>

#include "edge/cloud/targets/http_target.h"

namespace forewarm {

/// Provisioned concurrency of an alias or a version of a function (AWS Lambda API 2019-09-30, Get-, Put- and
/// DeleteProvisionedConcurrencyConfig). None set and zero are the same there: the configuration is deleted.
struct LambdaAlias {
  std::string url;  ///< of the API, without a path
  std::string function;
  std::string qualifier;
};
std::unique_ptr<TargetTranslator> make_provisioned_concurrency(LambdaAlias alias);

/// Reserved concurrency of a function (AWS Lambda API, GetFunctionConcurrency of 2019-09-30, Put- and
/// DeleteFunctionConcurrency of 2017-10-31): at most so many at a time, and kept free of others. None set: it
/// shares the account's. Zero would switch the function off, so one is the least that is set.
struct LambdaFunctionName {
  std::string url;  ///< of the API, without a path
  std::string function;
};
std::unique_ptr<TargetTranslator> make_reserved_concurrency(LambdaFunctionName function);

/// MaximumConcurrency of an event source mapping (AWS Lambda API 2015-03-31, Get- and
/// UpdateEventSourceMapping): 2 to 1000; none set: no limit of its own.
struct LambdaMapping {
  std::string url;  ///< of the API, without a path
  std::string uuid;
};
std::unique_ptr<TargetTranslator> make_mapping_concurrency(LambdaMapping mapping);

/// MinimumPollers of an SQS event source mapping in provisioned mode (same API, ProvisionedPollerConfig): 2
/// to 200, each good for 10 invocations at a time, which are what instances are here (AWS Lambda Developer
/// Guide, "Configuring scaling behavior for SQS event source mappings"). MaximumPollers stays as it was read.
/// None set: the mapping leaves provisioned mode.
std::unique_ptr<TargetTranslator> make_mapping_pollers(LambdaMapping mapping);
inline constexpr std::uint32_t kInvocationsPerPoller = 10;

}  // namespace forewarm
