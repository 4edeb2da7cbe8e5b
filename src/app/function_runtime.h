#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "app/config.h"
#include "app/remote_factory.h"
#include "base/time.h"
#include "edge/functions/process_pool.h"
#include "edge/sqs/response.h"

namespace forewarm {

/// "lambda", "azure-custom-handler" or "functions-framework", of functions that run here; Invalid otherwise,
/// with the nearest of those and of the ones elsewhere.
Result<RuntimeKind> parse_runtime(std::string_view text);
/// What is wrong with what a function says of its runtime; empty: nothing.
std::string check_runtime(const FunctionConfig& function);
/// The most messages that one invocation of it can hold.
std::int64_t batch_size_max(const FunctionConfig& function);

/// Messages of a queue for one run, with what runtimes are told of the queue.
struct QueueMessages {
  std::string queue;
  std::string arn;
  Duration retention{0};
  TimePoint visible_again;  ///< if the run does not delete them
  std::vector<sqs::ReceivedMessage> messages;
};

/// How one function is told of messages.
struct FunctionRuntime {
  EventFormat format = EventFormat::Sqs;
  bool elsewhere = false;  ///< invoked where it is
  bool workers = false;
  std::string azure_function;  ///< its name in the app
  std::string azure_trigger;   ///< the name of its trigger

  /// Its payload and headers; run and request id are the caller's.
  Invocation invocation(const QueueMessages& messages, TimePoint now) const;
  /// The same of a payload that comes from no queue.
  Invocation trial(std::string payload, TimePoint now) const;
};
FunctionRuntime remote_runtime(const FunctionConfig& function);
/// Reads what the function's folder says of it (Azure: host.json, function.json) and sets the command's
/// runtime, handler, program, folders and fault.
FunctionRuntime set_runtime(const FunctionConfig& function, FunctionCommand& command);

}  // namespace forewarm
