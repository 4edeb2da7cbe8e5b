#include "edge/functions/runtime_answer.h"

#include <utility>

#include "edge/functions/output_lines.h"

namespace forewarm {
namespace {

/// Of a streamed response, as Lambda has it by default; it is collected and handed on whole.
constexpr std::size_t kStreamedMaxBytes = 20U << 20;

RuntimeAnswer refused_answer(unsigned status, std::string type, std::string message) {
  return {
      .status = status, .failed = true, .error = {.type = std::move(type), .message = std::move(message)}};
}

}  // namespace

RuntimeAnswer read_runtime_response(HttpRequest request) {
  const std::string_view mode = find_header(request.headers, "Lambda-Runtime-Function-Response-Mode");
  const bool streamed = mode == "streaming";
  if (!mode.empty() && !streamed)
    return refused_answer(400, "InvalidFunctionResponseMode",
                          "Lambda-Runtime-Function-Response-Mode is " + escape_control_characters(mode) +
                              "; only streaming is known");
  const std::size_t most = streamed ? kStreamedMaxBytes : kResponseMaxBytes;
  if (request.body.size() > most)
    return refused_answer(413, "Function.ResponseSizeTooLarge",
                          "the response has " + std::to_string(request.body.size()) + " bytes; at most " +
                              std::to_string(most) + " are taken");
  // A streamed response says in its trailers that it broke off.
  const std::string_view broken = find_header(request.headers, "Lambda-Runtime-Function-Error-Type");
  if (broken.empty()) return {.response = std::move(request.body)};
  const RuntimeError error =
      read_streaming_error(broken, find_header(request.headers, "Lambda-Runtime-Function-Error-Body"));
  return {.failed = true,
          .error = {.type = escape_control_characters(error.type),
                    .message = escape_control_characters(error.message)}};
}

RuntimeAnswer read_runtime_failure(const HttpRequest& request) {
  return {.failed = true,
          .error = read_runtime_error(find_header(request.headers, "Lambda-Runtime-Function-Error-Type"),
                                      request.body)};
}

HttpResponse runtime_refusal(unsigned status, std::string_view type, std::string_view message) {
  return {.status = status,
          .headers = {{"Content-Type", "application/json"}},
          .body = runtime_refusal(type, message)};
}

HttpResponse runtime_accepted() {
  return {.status = 202, .headers = {{"Content-Type", "application/json"}}, .body = R"({"status":"OK"})"};
}

HttpResponse to_runtime(const RuntimeAnswer& answer) {
  if (answer.status == 202) return runtime_accepted();
  // The run fails with a type of its own.
  constexpr unsigned kTooLarge = 413;
  return runtime_refusal(answer.status,
                         answer.status == kTooLarge ? "RequestEntityTooLarge" : answer.error.type,
                         answer.error.message);
}

}  // namespace forewarm
