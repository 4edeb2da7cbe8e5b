#include "edge/functions/function_environment.h"

#include <unistd.h>

#include <array>
#include <cstdlib>
#include <filesystem>

namespace forewarm {
namespace {

constexpr std::array kInherited{"PATH", "HOME", "LANG", "LC_ALL", "LC_CTYPE", "USER", "TMPDIR"};
constexpr const char* kRegion = "us-east-1";
constexpr const char* kInstanceVariable = "FOREWARM_INSTANCE";
constexpr const char* kOwnerVariable = "FOREWARM_OWNER";

std::string absolute_directory(const std::string& directory) {
  std::error_code failed;
  const auto absolute =
      std::filesystem::absolute(directory.empty() ? "." : directory, failed).lexically_normal();
  return failed ? directory : absolute.string();
}

/// Of this server's instance: two servers on one machine number theirs alike.
std::string instance_value(InstanceId instance) {
  return std::to_string(::getpid()) + "-" + std::to_string(instance.value());
}

Environment lambda_defaults(const FunctionCommand& function) {
  const std::string root = absolute_directory(function.working_directory);
  return {{"AWS_REGION", kRegion},
          {"AWS_DEFAULT_REGION", kRegion},
          {"TZ", ":UTC"},
          {"AWS_XRAY_CONTEXT_MISSING", "LOG_ERROR"},
          {"LAMBDA_TASK_ROOT", root},
          {"LAMBDA_RUNTIME_DIR", root}};
}

void set_lambda(Environment& environment, const FunctionCommand& function, InstanceId instance,
                const std::string& port) {
  const std::string version = std::to_string(function.version);
  environment["_HANDLER"] = function.handler.empty() ? "handler" : function.handler;
  environment["AWS_LAMBDA_RUNTIME_API"] = "127.0.0.1:" + port;
  environment["AWS_LAMBDA_FUNCTION_NAME"] = function.name;
  environment["AWS_LAMBDA_FUNCTION_VERSION"] = version;
  environment["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"] = std::to_string(function.memory_bytes >> 20);
  environment["AWS_LAMBDA_INITIALIZATION_TYPE"] = "on-demand";
  environment["AWS_LAMBDA_LOG_GROUP_NAME"] = "/aws/lambda/" + function.name;
  environment["AWS_LAMBDA_LOG_STREAM_NAME"] = "[" + version + "]" + std::to_string(instance.value());
}

void set_azure(Environment& environment, const FunctionCommand& function, InstanceId instance,
               const std::string& port) {
  environment["FUNCTIONS_CUSTOMHANDLER_PORT"] = environment["FUNCTIONS_HTTPWORKER_PORT"] = port;
  environment["FUNCTIONS_CUSTOMHANDLER_WORKER_ID"] = environment["FUNCTIONS_HTTPWORKER_ID"] =
      instance_value(instance);
  environment["FUNCTIONS_APP_ROOT_PATH"] = absolute_directory(function.app_root);
}

/// The names that Google Cloud gives: its own, and the service and revision of Knative's contract.
Environment framework_defaults(const FunctionCommand& function) {
  Environment environment{{"K_SERVICE", function.name},
                          {"K_CONFIGURATION", function.name},
                          {"K_REVISION", function.name + "-" + std::to_string(function.version)}};
  if (!function.handler.empty()) environment["FUNCTION_TARGET"] = function.handler;
  return environment;
}

}  // namespace

Environment inherited_environment() {
  Environment environment;
  for (const char* name : kInherited) {
    if (const char* value = std::getenv(name)) environment[name] = value;
  }
  environment.try_emplace("PATH", "/usr/local/bin:/usr/bin:/bin");
  return environment;
}

std::string instance_mark(InstanceId instance) {
  return std::string(kInstanceVariable) + "=" + instance_value(instance);
}

std::string owner_entry(std::string_view owner_mark) {
  return std::string(kOwnerVariable) + "=" + std::string(owner_mark);
}

std::string function_arn(const FunctionCommand& function) {
  return "arn:aws:lambda:" + std::string(kRegion) + ":000000000000:function:" + function.name;
}

Environment instance_environment(const FunctionCommand& function, InstanceId instance, std::uint16_t port,
                                 const std::string& owner_mark, const Environment& inherited) {
  Environment environment = function.environment;
  const std::string port_text = std::to_string(port);
  switch (function.runtime) {
    case RuntimeKind::Lambda:
      environment.merge(lambda_defaults(function));
      set_lambda(environment, function, instance, port_text);
      break;
    case RuntimeKind::AzureCustomHandler:
      set_azure(environment, function, instance, port_text);
      break;
    case RuntimeKind::FunctionsFramework:
      environment.merge(framework_defaults(function));
      environment["PORT"] = port_text;
      break;
  }
  environment.merge(Environment(inherited));
  environment[kInstanceVariable] = instance_value(instance);
  if (!owner_mark.empty()) environment[kOwnerVariable] = owner_mark;
  return environment;
}

}  // namespace forewarm
