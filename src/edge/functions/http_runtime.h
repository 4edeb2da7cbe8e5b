#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "edge/functions/process_pool.h"
#include "edge/net/http.h"

namespace forewarm {

/// What an answer of a function that is an HTTP server means.
struct HandlerAnswer {
  ErrorClass error = ErrorClass::None;
  std::string error_type{};
  std::string error_message{};
  std::string response{};
  std::vector<std::string> logs{};  ///< lines for the function's log
};

/// A protocol in which a function is an HTTP server and gets each invocation in a POST. Pure.
struct HttpRuntime {
  HttpRequest (*request)(const FunctionCommand& function, Invocation invocation);
  HandlerAnswer (*read)(HttpResponse response);
};

/// Azure Functions custom handlers
/// (learn.microsoft.com/azure/azure-functions/functions-custom-handlers).
extern const HttpRuntime kAzureCustomHandler;
/// Google's Functions Framework (github.com/GoogleCloudPlatform/functions-framework, its contract; binary
/// CloudEvents, or plain HTTP).
extern const HttpRuntime kFunctionsFramework;

/// The failure that a status other than 2xx is; its text is what the handler answered.
HandlerAnswer failed_with(const HttpResponse& response);

}  // namespace forewarm
