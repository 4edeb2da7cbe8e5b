#include "edge/cloud/credentials/azure_answers.h"

#include <boost/json.hpp>
#include <charconv>
#include <optional>

namespace forewarm {
namespace {

// Ten thousand years: what does not fit a time is no time.
constexpr std::int64_t kSecondsMost = 315'576'000'000;

std::optional<boost::json::object> azure_object(std::string_view text) {
  boost::system::error_code failure;
  auto value = boost::json::parse({text.data(), text.size()}, failure);
  if (failure || !value.is_object()) return std::nullopt;
  return std::move(value.as_object());
}

std::string azure_text(const boost::json::object& object, std::string_view name) {
  const auto* value = object.if_contains({name.data(), name.size()});
  return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string();
}

std::optional<std::int64_t> azure_seconds(const boost::json::object& object, std::string_view name) {
  const auto* value = object.if_contains({name.data(), name.size()});
  if (value == nullptr) return std::nullopt;
  std::int64_t seconds = 0;
  if (value->is_string()) {
    const auto& text = value->get_string();
    const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), seconds);
    if (failure != std::errc() || end != text.data() + text.size()) return std::nullopt;
  } else {
    boost::system::error_code failure;
    if (!value->is_number()) return std::nullopt;
    seconds = value->to_number<std::int64_t>(failure);
    if (failure) return std::nullopt;
  }
  return seconds > 0 && seconds < kSecondsMost ? std::optional(seconds) : std::nullopt;
}

}  // namespace

Result<Expiring<std::string>> parse_azure_token(std::string_view json, TimePoint now) {
  const auto object = azure_object(json);
  const std::string token = object ? azure_text(*object, "access_token") : "";
  if (token.empty()) return error(ErrorCode::Corrupt, "the answer has no access_token");
  std::optional<TimePoint> until;
  if (const auto life = azure_seconds(*object, "expires_in")) until = now + std::chrono::seconds(*life);
  // Version 2017-09-01 of App Service writes a date; ours writes seconds since 1970.
  if (const auto end = azure_seconds(*object, "expires_on"); !until && end)
    until = TimePoint(std::chrono::seconds(*end));
  if (!until || *until <= now)
    return error(ErrorCode::Corrupt, "the answer's token has run out, or it does not say when it does");
  return Expiring<std::string>{token, until};
}

std::string azure_token_failure(std::string_view json) {
  const auto object = azure_object(json);
  if (!object) return "";
  const std::string code = azure_text(*object, "error");
  if (code.empty()) return "";
  const std::string described = azure_text(*object, "error_description");
  return ", " + code + ": " + described.substr(0, described.find_first_of("\r\n"));
}

}  // namespace forewarm
