#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "app/config.h"
#include "base/result.h"
#include "edge/cloud/invoke/remote_function.h"

namespace forewarm {

/// Whether a `runtime` is of functions that run elsewhere: aws-lambda, azure-functions, google-functions,
/// http, workers.
bool runs_elsewhere(std::string_view runtime);
/// Those of them whose programs call here.
inline constexpr std::string_view kWorkersRuntime = "workers";

/// How a message looks to a function.
enum class EventFormat : std::uint8_t {
  Sqs,         ///< Lambda's SQS event of a batch; its answer may name those that failed
  AzureQueue,  ///< what the Azure Functions host gives a custom handler
  PubSub,      ///< Pub/Sub's CloudEvent in binary mode
  Task,        ///< the message's body, as Cloud Tasks sends a task
};
/// Of a function elsewhere: what `remote.payload` says, or what is usual with its runtime.
EventFormat remote_format(const FunctionConfig& function);

/// What is wrong with what a function elsewhere says of itself; empty: nothing. Of one that runs here: that
/// it says nothing of elsewhere.
std::string check_remote(const FunctionConfig& function);

/// NotFound or Invalid where something is missing that only shows now (a region).
Result<std::unique_ptr<RemoteFunction>> make_remote(const FunctionConfig& function);

}  // namespace forewarm
