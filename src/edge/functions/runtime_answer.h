#pragma once

#include <string>

#include "edge/functions/runtime_route.h"
#include "edge/net/http.h"

namespace forewarm {

/// Of a response that is not streamed: Lambda's limit, and that of its emulator
/// (aws-lambda-runtime-interface- emulator, internal/lambda/interop/model.go).
inline constexpr std::size_t kResponseMaxBytes = (6U << 20) + 100;
/// The listener's own limit lies above those of responses, so that one somewhat too large is understood and
/// refused by name.
inline constexpr std::size_t kRuntimeBodyMaxBytes = 32U << 20;

/// What a runtime's POST of a response or an error comes to. A response that cannot be taken is the run's
/// failure, of which its runtime is told.
struct RuntimeAnswer {
  unsigned status = 202;  ///< for the runtime; else than 202 with `error` as the refusal
  bool failed = false;
  RuntimeError error{};
  std::string response{};
};
RuntimeAnswer read_runtime_response(HttpRequest request);
RuntimeAnswer read_runtime_failure(const HttpRequest& request);

/// The Runtime API's answers.
HttpResponse runtime_refusal(unsigned status, std::string_view type, std::string_view message);
HttpResponse runtime_accepted();
HttpResponse to_runtime(const RuntimeAnswer& answer);

}  // namespace forewarm
