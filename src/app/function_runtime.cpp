#include "app/function_runtime.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <random>

#include "edge/functions/azure_app.h"
#include "edge/sqs/lambda_event.h"
#include "edge/sqs/trigger_events.h"

namespace forewarm {
namespace {

constexpr std::array<std::pair<std::string_view, RuntimeKind>, 3> kRuntimes{
    {{"lambda", RuntimeKind::Lambda},
     {"azure-custom-handler", RuntimeKind::AzureCustomHandler},
     {"functions-framework", RuntimeKind::FunctionsFramework}}};
/// Of the Functions Framework's contract; `typed` is plain HTTP with JSON.
constexpr std::array<std::string_view, 4> kSignatureTypes{"http", "event", "cloudevent", "typed"};
constexpr const char* kSignatureVariable = "FUNCTION_SIGNATURE_TYPE";
constexpr Duration kTrialRetention = 24h * 7;

std::string signature_type(const FunctionConfig& function) {
  const auto found = function.environment.find(kSignatureVariable);
  return found == function.environment.end() ? "http" : found->second;
}

std::uint64_t random_number() {
  static std::mt19937_64 generator{std::random_device{}()};
  return generator();
}

/// The trace that a message came with; empty: none did.
std::string message_trace(const std::vector<sqs::ReceivedMessage>& messages) {
  for (const sqs::ReceivedMessage& message : messages) {
    const auto found = message.system_attributes.find("AWSTraceHeader");
    if (found != message.system_attributes.end()) return found->second;
  }
  return "";
}

/// That, else a new one that is not sampled: Lambda always gives its runtimes one. Source: AWS X-Ray
/// Developer Guide, "Tracing header".
std::string trace_header(const std::vector<sqs::ReceivedMessage>& messages, TimePoint now) {
  if (std::string came = message_trace(messages); !came.empty()) return came;
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(now.time_since_epoch()).count();
  char text[96];
  std::snprintf(text, sizeof text, "Root=1-%08llx-%08llx%016llx;Parent=%016llx;Sampled=0",
                static_cast<unsigned long long>(seconds & 0xffffffff),
                static_cast<unsigned long long>(random_number() & 0xffffffff),
                static_cast<unsigned long long>(random_number()),
                static_cast<unsigned long long>(random_number()));
  return text;
}

/// RFC 9562, version 4.
std::string random_uuid() {
  const std::uint64_t high = random_number(), low = random_number();
  char text[40];
  std::snprintf(
      text, sizeof text, "%08llx-%04llx-4%03llx-%04llx-%012llx", static_cast<unsigned long long>(high >> 32),
      static_cast<unsigned long long>(high >> 16 & 0xffff), static_cast<unsigned long long>(high & 0xfff),
      static_cast<unsigned long long>(0x8000 | (low >> 48 & 0x3fff)),
      static_cast<unsigned long long>(low & 0xffffffffffffULL));
  return text;
}

}  // namespace

Result<RuntimeKind> parse_runtime(std::string_view text) {
  for (const auto& [name, kind] : kRuntimes) {
    if (name == text) return kind;
  }
  const std::string_view meant =
      nearest_name(text, {kRuntimes[0].first, kRuntimes[1].first, kRuntimes[2].first, "aws-lambda",
                          "azure-functions", "google-functions", "http", "workers"});
  return error(
      ErrorCode::Invalid,
      "runtime must be lambda, azure-custom-handler or functions-framework, or elsewhere aws-lambda, "
      "azure-functions, google-functions, http or workers, not '" +
          std::string(text) + "'" + (meant.empty() ? "" : ". Did you mean " + std::string(meant) + "?"));
}

std::string check_runtime(const FunctionConfig& function) {
  if (runs_elsewhere(function.runtime)) return check_remote(function);
  const Result<RuntimeKind> kind = parse_runtime(function.runtime);
  if (!kind) return "'" + function.name + "': " + kind.error().message;
  if (*kind == RuntimeKind::AzureCustomHandler && function.command.empty() &&
      function.working_directory.empty())
    return "'" + function.name +
           "' needs a command, or a working_directory with the host.json that names its program";
  if (*kind != RuntimeKind::AzureCustomHandler && function.command.empty())
    return "'" + function.name + "' needs a command, for example command = [\"./bootstrap\"]";
  if (*kind == RuntimeKind::FunctionsFramework &&
      std::ranges::find(kSignatureTypes, signature_type(function)) == kSignatureTypes.end())
    return "'" + function.name + "': " + kSignatureVariable + " in its environment must be http, event, " +
           "cloudevent or typed, not '" + signature_type(function) + "'";
  return check_remote(function);
}

std::int64_t batch_size_max(const FunctionConfig& function) {
  const bool batches = runs_elsewhere(function.runtime) ? remote_format(function) == EventFormat::Sqs
                                                        : function.runtime == kRuntimes[0].first;
  return batches ? 10'000 : 1;
}

Invocation FunctionRuntime::invocation(const QueueMessages& messages, TimePoint now) const {
  Invocation made;
  if (format == EventFormat::Sqs) {
    made.payload = sqs::lambda_event(messages.messages, messages.arn);
    // Elsewhere the platform begins a trace by itself, and samples it as it is set to.
    made.trace_header = elsewhere ? message_trace(messages.messages) : trace_header(messages.messages, now);
    if (elsewhere) made.headers = {{"Content-Type", "application/json"}};
    return made;
  }
  const sqs::ReceivedMessage& message = messages.messages.front();
  if (format == EventFormat::AzureQueue) {
    made.payload = sqs::azure_queue_event(message, {.function = azure_function,
                                                    .binding = azure_trigger,
                                                    .guid = random_uuid(),
                                                    .now = now,
                                                    .retention = messages.retention,
                                                    .visible = messages.visible_again});
    return made;
  }
  sqs::FrameworkEvent event = format == EventFormat::PubSub ? sqs::pubsub_event(message, messages.queue)
                                                            : sqs::http_task(message, messages.queue);
  made.payload = std::move(event.body);
  made.headers = std::move(event.headers);
  return made;
}

Invocation FunctionRuntime::trial(std::string payload, TimePoint now) const {
  if (format == EventFormat::Sqs)
    return {.run = {},
            .payload = std::move(payload),
            .trace_header = elsewhere ? std::string() : trace_header({}, now)};
  const auto now_ms = std::chrono::duration_cast<std::chrono::milliseconds>(now.time_since_epoch()).count();
  QueueMessages messages{
      .queue = "trial", .arn = {}, .retention = kTrialRetention, .visible_again = now, .messages = {}};
  sqs::ReceivedMessage& message = messages.messages.emplace_back();
  message.message_id = random_uuid();
  message.receipt_handle = message.message_id;
  message.body = std::move(payload);
  message.system_attributes = {{"SentTimestamp", std::to_string(now_ms)}, {"ApproximateReceiveCount", "1"}};
  return invocation(messages, now);
}

FunctionRuntime remote_runtime(const FunctionConfig& function) {
  FunctionRuntime runtime;
  runtime.format = remote_format(function);
  // Workers speak the Runtime API, as runtimes here do.
  runtime.workers = function.runtime == kWorkersRuntime;
  runtime.elsewhere = !runtime.workers;
  return runtime;
}

FunctionRuntime set_runtime(const FunctionConfig& function, FunctionCommand& command) {
  FunctionRuntime runtime;
  command.runtime = parse_runtime(function.runtime).value_or(RuntimeKind::Lambda);
  command.handler = function.handler;
  if (command.runtime == RuntimeKind::FunctionsFramework) {
    const std::string signature = signature_type(function);
    const bool cloud_events = signature == "cloudevent" || signature == "event";
    runtime.format = cloud_events ? EventFormat::PubSub : EventFormat::Task;
  }
  if (command.runtime != RuntimeKind::AzureCustomHandler) return runtime;
  runtime.format = EventFormat::AzureQueue;
  command.app_root = function.working_directory;
  runtime.azure_function = function.handler.empty() ? function.name : function.handler;
  const Result<std::string> trigger = read_azure_trigger(function.working_directory, runtime.azure_function);
  if (trigger)
    runtime.azure_trigger = *trigger;
  else
    command.fault = trigger.error().message;
  if (!function.command.empty()) return runtime;
  const Result<AzureApp> app = read_azure_app(function.working_directory);
  if (!app) {
    command.fault = app.error().message;
  } else if (app->command.empty()) {
    command.fault = function.working_directory +
                    " has no host.json, which names the program of a custom handler; give the function a "
                    "command, or put the file there and reload the server";
  } else {
    command.command = app->command;
    command.working_directory = app->working_directory;
  }
  return runtime;
}

}  // namespace forewarm
