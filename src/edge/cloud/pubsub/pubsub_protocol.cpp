#include "edge/cloud/pubsub/pubsub_protocol.h"

#include <openssl/evp.h>

#include <algorithm>
#include <boost/json.hpp>
#include <chrono>
#include <cstdio>

namespace forewarm {
namespace {

namespace json = boost::json;

std::unexpected<Error> not_documented(const std::string& what) {
  return error(ErrorCode::Corrupt, "the answer of Pub/Sub is not as documented: " + what);
}

std::optional<json::object> object_of(std::string_view text) {
  boost::system::error_code failure;
  auto value = json::parse({text.data(), text.size()}, failure);
  if (failure || !value.is_object()) return std::nullopt;
  return std::move(value.as_object());
}

std::string string_in(const json::object& object, std::string_view name) {
  const auto* value = object.if_contains(name);
  return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string();
}

std::optional<std::int64_t> whole_in(const json::object& object, std::string_view name) {
  const auto* value = object.if_contains(name);
  if (value == nullptr || !value->is_number()) return std::nullopt;
  boost::system::error_code failure;
  const auto number = value->to_number<std::int64_t>(failure);
  return failure ? std::nullopt : std::optional(number);
}

/// RFC 3339 in UTC, with a fraction of any length.
std::optional<TimePoint> parse_publish_time(const std::string& text) {
  int year = 0;
  unsigned month = 0;
  unsigned day = 0;
  int hour = 0;
  int minute = 0;
  double second = 0;
  if (std::sscanf(text.c_str(), "%d-%u-%uT%d:%d:%lf", &year, &month, &day, &hour, &minute, &second) != 6)
    return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year(year), std::chrono::month(month),
                                         std::chrono::day(day)};
  if (!date.ok()) return std::nullopt;
  const auto whole = std::chrono::sys_days(date).time_since_epoch() + std::chrono::hours(hour) +
                     std::chrono::minutes(minute);
  return TimePoint(std::chrono::duration_cast<Duration>(whole) + from_seconds(second));
}

Result<PolledMessage> read_pulled(const json::value& value) {
  const auto* received = value.if_object();
  const auto* inner = received == nullptr ? nullptr : received->if_contains("message");
  const auto* object = inner == nullptr ? nullptr : inner->if_object();
  if (object == nullptr) return not_documented("a received message has no message");
  PolledMessage polled;
  LentMessage& message = polled.message;
  message.token = string_in(*received, "ackId");
  message.id = string_in(*object, "messageId");
  if (message.token.empty() || message.id.empty())
    return not_documented("a received message has no ackId or messageId");
  auto body = base64_decoded(string_in(*object, "data"));
  if (!body) return not_documented("the data of message " + message.id + " is not base64");
  message.body = std::move(*body);
  if (const auto* attributes = object->if_contains("attributes");
      attributes != nullptr && attributes->is_object()) {
    for (const auto& [name, text] : attributes->get_object()) {
      if (text.is_string()) message.attributes.emplace_back(name, text.get_string());
    }
  }
  message.group = string_in(*object, "orderingKey");
  message.deliveries = static_cast<std::uint32_t>(whole_in(*received, "deliveryAttempt").value_or(0));
  message.sent = parse_publish_time(string_in(*object, "publishTime"));
  return polled;
}

}  // namespace

Result<PubSubSubscription> parse_subscription(std::string_view text) {
  const auto object = object_of(text);
  if (!object || string_in(*object, "name").empty()) return not_documented("it is no subscription");
  PubSubSubscription subscription;
  subscription.topic = string_in(*object, "topic");
  subscription.ack_deadline = std::chrono::seconds(whole_in(*object, "ackDeadlineSeconds").value_or(10));
  const auto* policy = object->if_contains("deadLetterPolicy");
  if (policy != nullptr && policy->is_object()) {
    subscription.has_dead_letter_policy = true;
    if (const auto most = whole_in(policy->get_object(), "maxDeliveryAttempts"))
      subscription.deliveries_max = static_cast<std::uint32_t>(*most);
  }
  return subscription;
}

std::string pull_json(std::uint32_t most) {
  return json::serialize(json::object{{"maxMessages", most}});
}

Result<std::vector<PolledMessage>> parse_pulled(std::string_view text) {
  const auto object = object_of(text);
  if (!object) return not_documented("pull brought no JSON object");
  std::vector<PolledMessage> messages;
  const auto* list = object->if_contains("receivedMessages");
  if (list == nullptr) return messages;
  if (!list->is_array()) return not_documented("receivedMessages is no list");
  for (const auto& value : list->get_array()) {
    auto message = read_pulled(value);
    if (!message) return std::unexpected(message.error());
    messages.push_back(std::move(*message));
  }
  return messages;
}

std::string acknowledge_json(const std::vector<std::string>& tokens) {
  return json::serialize(json::object{{"ackIds", json::value_from(tokens)}});
}

std::string modify_ack_deadline_json(const std::vector<std::string>& tokens, Duration deadline) {
  const auto seconds = std::max<std::int64_t>(0, std::chrono::ceil<std::chrono::seconds>(deadline).count());
  return json::serialize(json::object{{"ackIds", json::value_from(tokens)}, {"ackDeadlineSeconds", seconds}});
}

std::string publish_json(const LentMessage& message, const std::string& reason) {
  json::object attributes;
  for (const auto& [name, text] : message.attributes) attributes[name] = text;
  if (!reason.empty()) attributes["CloudPubSubDeadLetterReason"] = reason;
  json::object made{{"data", base64(message.body)}};
  if (!attributes.empty()) made["attributes"] = std::move(attributes);
  if (!message.group.empty()) made["orderingKey"] = message.group;
  return json::serialize(json::object{{"messages", json::array{std::move(made)}}});
}

std::string pubsub_failure(const HttpResponse& answer) {
  const auto object = object_of(answer.body);
  const auto* inner = object ? object->if_contains("error") : nullptr;
  if (inner == nullptr || !inner->is_object()) return "HTTP status " + std::to_string(answer.status);
  return string_in(inner->get_object(), "status") + ": " + string_in(inner->get_object(), "message");
}

Result<std::optional<double>> parse_newest_point(std::string_view text) {
  const auto object = object_of(text);
  if (!object) return not_documented("timeSeries.list brought no JSON object");
  boost::system::error_code failure;
  const json::value root = *object;
  const auto* value = root.find_pointer("/timeSeries/0/points/0/value", failure);
  if (value == nullptr || !value->is_object()) return std::optional<double>();
  // 64-bit numbers are written as text.
  if (const auto* number = value->get_object().if_contains("int64Value"))
    return number->is_string() ? std::optional(std::strtod(number->get_string().c_str(), nullptr))
                               : std::optional(number->to_number<double>());
  if (const auto* number = value->get_object().if_contains("doubleValue"); number && number->is_number())
    return std::optional(number->to_number<double>());
  return std::optional<double>();
}

std::string base64(std::string_view bytes) {
  std::string text(4 * ((bytes.size() + 2) / 3) + 1, '\0');
  const int size =
      EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()),
                      reinterpret_cast<const unsigned char*>(bytes.data()), static_cast<int>(bytes.size()));
  text.resize(static_cast<std::size_t>(size));
  return text;
}

Result<std::string> base64_decoded(std::string_view text) {
  if (text.size() % 4 != 0) return error(ErrorCode::Invalid, "base64 has groups of four characters");
  std::string bytes(text.size() / 4 * 3, '\0');
  const int size =
      EVP_DecodeBlock(reinterpret_cast<unsigned char*>(bytes.data()),
                      reinterpret_cast<const unsigned char*>(text.data()), static_cast<int>(text.size()));
  if (size < 0) return error(ErrorCode::Invalid, "this is not base64");
  std::size_t padding = 0;
  while (padding < 2 && padding < text.size() && text[text.size() - 1 - padding] == '=') ++padding;
  bytes.resize(static_cast<std::size_t>(size) - padding);
  return bytes;
}

}  // namespace forewarm
