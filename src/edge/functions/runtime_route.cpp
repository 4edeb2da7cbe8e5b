#include "edge/functions/runtime_route.h"

#include <boost/json.hpp>
#include <optional>

namespace forewarm {
namespace {

constexpr std::string_view kVersion = "/2018-06-01/runtime/";
constexpr std::size_t kMessageMaxBytes = 4096;

std::string text_field(const boost::json::object& object, std::string_view name) {
  const auto* value = object.if_contains(name);
  return value && value->is_string() ? std::string(value->get_string()) : std::string();
}

/// RFC 4648, section 4; nothing where a character is none of its alphabet.
std::optional<std::string> decode_base64(std::string_view text) {
  constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  while (text.ends_with('=')) text.remove_suffix(1);
  std::string bytes;
  std::uint32_t bits = 0;
  unsigned count = 0;
  for (const char character : text) {
    const std::size_t value = kAlphabet.find(character);
    if (value == std::string_view::npos) return std::nullopt;
    bits = bits << 6 | static_cast<std::uint32_t>(value);
    count += 6;
    if (count < 8) continue;
    count -= 8;
    bytes.push_back(static_cast<char>(bits >> count & 0xff));
  }
  return bytes;
}

}  // namespace

RuntimeRoute route_runtime_call(std::string_view method, std::string_view path) {
  if (!path.starts_with(kVersion)) return {};
  path.remove_prefix(kVersion.size());
  const auto only = [method](std::string_view allowed, RuntimeRoute route) {
    return method == allowed ? route : RuntimeRoute{.call = RuntimeCall::WrongMethod, .request_id = {}};
  };
  if (path == "init/error") return only("POST", {.call = RuntimeCall::InitError, .request_id = {}});
  constexpr std::string_view kInvocation = "invocation/";
  if (!path.starts_with(kInvocation)) return {};
  path.remove_prefix(kInvocation.size());
  if (path == "next") return only("GET", {.call = RuntimeCall::Next, .request_id = {}});
  const std::size_t slash = path.find('/');
  if (slash == 0 || slash == std::string_view::npos) return {};
  const std::string_view id = path.substr(0, slash);
  const std::string_view what = path.substr(slash + 1);
  if (what == "response") return only("POST", {.call = RuntimeCall::Response, .request_id = id});
  if (what == "error") return only("POST", {.call = RuntimeCall::Error, .request_id = id});
  return {};
}

RuntimeError read_runtime_error(std::string_view type_header, std::string_view body) {
  RuntimeError error{.type = std::string(type_header), .message = {}};
  boost::system::error_code failed;
  const boost::json::value value = boost::json::parse(body, failed);
  if (!failed && value.is_object()) {
    if (std::string type = text_field(value.get_object(), "errorType"); !type.empty())
      error.type = std::move(type);
    error.message = text_field(value.get_object(), "errorMessage");
  } else {
    error.message = body.substr(0, kMessageMaxBytes);
  }
  if (error.type.empty()) error.type = "Runtime.Unknown";
  error.type.resize(std::min<std::size_t>(error.type.size(), 256));
  error.message.resize(std::min(error.message.size(), kMessageMaxBytes));
  return error;
}

RuntimeError read_streaming_error(std::string_view type_trailer, std::string_view body_trailer) {
  const std::optional<std::string> body = decode_base64(body_trailer);
  return read_runtime_error(type_trailer, body ? std::string_view(*body) : body_trailer);
}

std::string runtime_refusal(std::string_view type, std::string_view message) {
  return boost::json::serialize(boost::json::object{{"errorMessage", message}, {"errorType", type}});
}

}  // namespace forewarm
