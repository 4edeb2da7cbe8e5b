#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace forewarm {

/// The calls of the Lambda Runtime API, version 2018-06-01
/// (docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html).
enum class RuntimeCall : std::uint8_t { Next, Response, Error, InitError, Unknown, WrongMethod };

struct RuntimeRoute {
  RuntimeCall call = RuntimeCall::Unknown;
  std::string_view request_id;  ///< of Response and Error; points into the path
};

RuntimeRoute route_runtime_call(std::string_view method, std::string_view path);

struct RuntimeError {
  std::string type;
  std::string message;
};
/// What a runtime says went wrong: the body's errorType and errorMessage, or the header's type and the body
/// as it is.
RuntimeError read_runtime_error(std::string_view type_header, std::string_view body);
/// The same of a streamed response's trailers: the second is the error's body in Base64.
RuntimeError read_streaming_error(std::string_view type_trailer, std::string_view body_trailer);
/// The Runtime API's own error body.
std::string runtime_refusal(std::string_view type, std::string_view message);

}  // namespace forewarm
