#include "edge/cloud/nats/jetstream.h"

#include <algorithm>
#include <boost/json.hpp>
#include <charconv>

#include "base/time_text.h"

namespace forewarm {
namespace {

namespace json = boost::json;

Result<json::object> parse_object(std::string_view text) {
  boost::system::error_code failure;
  auto value = json::parse({text.data(), text.size()}, failure);
  if (failure || !value.is_object()) return error(ErrorCode::Corrupt, "JetStream's answer is no JSON object");
  return std::move(value.as_object());
}

const json::object& object_of(const json::object& parent, std::string_view name) {
  static const json::object kNone;
  const auto* value = parent.if_contains(name);
  return value != nullptr && value->is_object() ? value->as_object() : kNone;
}

std::string text_of(const json::object& parent, std::string_view name) {
  const auto* value = parent.if_contains(name);
  return value != nullptr && value->is_string() ? std::string(value->as_string()) : std::string();
}

std::int64_t integer_of(const json::object& parent, std::string_view name) {
  const auto* value = parent.if_contains(name);
  if (value == nullptr || !value->is_number()) return 0;
  boost::system::error_code failure;
  const auto number = value->to_number<std::int64_t>(failure);
  return failure ? 0 : number;
}

std::uint64_t count_of(const json::object& parent, std::string_view name) {
  return static_cast<std::uint64_t>(std::max<std::int64_t>(0, integer_of(parent, name)));
}

Duration nanoseconds_of(const json::object& parent, std::string_view name) {
  return Duration(integer_of(parent, name) / 1000);
}

std::optional<std::uint32_t> limit_of(const json::object& parent, std::string_view name) {
  const auto limit = integer_of(parent, name);
  if (limit <= 0) return std::nullopt;
  return static_cast<std::uint32_t>(std::min<std::int64_t>(limit, 1'000'000'000));
}

std::int64_t to_nanoseconds(Duration duration) {
  return std::max<std::int64_t>(0, duration.count()) * 1000;
}

}  // namespace

Duration ConsumerFacts::lease(std::uint32_t delivery) const {
  if (backoff.empty()) return ack_wait;
  return backoff[std::min<std::size_t>(std::max(delivery, 1U) - 1, backoff.size() - 1)];
}

std::optional<JetStreamError> parse_error(std::string_view text) {
  const auto object = parse_object(text);
  if (!object) return JetStreamError{.code = 0, .description = object.error().message};
  if (!object->contains("error")) return std::nullopt;
  const auto& failure = object_of(*object, "error");
  return JetStreamError{.code = static_cast<int>(integer_of(failure, "err_code")),
                        .description = text_of(failure, "description")};
}

Result<StreamFacts> parse_stream(std::string_view text) {
  const auto object = parse_object(text);
  if (!object) return std::unexpected(object.error());
  StreamFacts facts;
  const auto* subjects = object_of(*object, "config").if_contains("subjects");
  if (subjects != nullptr && subjects->is_array()) {
    for (const auto& subject : subjects->as_array()) {
      if (subject.is_string()) facts.subjects.emplace_back(subject.as_string());
    }
  }
  facts.last_sequence = count_of(object_of(*object, "state"), "last_seq");
  return facts;
}

Result<ConsumerFacts> parse_consumer(std::string_view text) {
  const auto object = parse_object(text);
  if (!object) return std::unexpected(object.error());
  const auto& config = object_of(*object, "config");
  ConsumerFacts facts;
  facts.pull = text_of(config, "deliver_subject").empty();
  facts.explicit_acks = text_of(config, "ack_policy") == "explicit";
  facts.ack_wait = nanoseconds_of(config, "ack_wait");
  const auto* backoff = config.if_contains("backoff");
  if (backoff != nullptr && backoff->is_array()) {
    for (const auto& wait : backoff->as_array()) {
      boost::system::error_code failure;
      facts.backoff.push_back(Duration(wait.to_number<std::int64_t>(failure) / 1000));
    }
  }
  facts.deliveries_max = limit_of(config, "max_deliver");
  facts.filter_subject = text_of(config, "filter_subject");
  facts.batch_max = limit_of(config, "max_batch");
  if (const auto most = nanoseconds_of(config, "max_expires"); most > Duration(0)) facts.expires_max = most;
  facts.pending = count_of(*object, "num_pending");
  facts.unacknowledged = count_of(*object, "num_ack_pending");
  facts.delivered_sequence = count_of(object_of(*object, "delivered"), "stream_seq");
  return facts;
}

Result<TimePoint> parse_stored(std::string_view text) {
  const auto object = parse_object(text);
  if (!object) return std::unexpected(object.error());
  return parse_time(text_of(object_of(*object, "message"), "time"));
}

// $JS.ACK.STREAM.CONSUMER.DELIVERIES.SEQUENCE.CONSUMER-SEQUENCE.TIME.PENDING, or with .DOMAIN.ACCOUNT after
// ACK and a token at the end that is to be ignored, like any further one.
std::optional<DeliveryFacts> parse_delivery(std::string_view reply_subject) {
  std::vector<std::string_view> tokens;
  while (!reply_subject.empty()) {
    const auto dot = reply_subject.find('.');
    tokens.push_back(reply_subject.substr(0, dot));
    reply_subject.remove_prefix(dot == std::string_view::npos ? reply_subject.size() : dot + 1);
  }
  if (tokens.size() < 9 || tokens[0] != "$JS" || tokens[1] != "ACK") return std::nullopt;
  const std::size_t first = tokens.size() < 11 ? 4 : 6;
  std::uint64_t numbers[4] = {};
  for (std::size_t i = 0; i < 4; ++i) {
    const auto token = tokens[first + i];
    const auto [end, failure] = std::from_chars(token.data(), token.data() + token.size(), numbers[i]);
    if (failure != std::errc() || end != token.data() + token.size()) return std::nullopt;
  }
  return DeliveryFacts{
      .deliveries = static_cast<std::uint32_t>(std::min<std::uint64_t>(numbers[0], 1'000'000'000)),
      .sequence = numbers[1],
      .stored = TimePoint(Duration(static_cast<std::int64_t>(numbers[3] / 1000)))};
}

std::string create_consumer_json(const NewConsumer& consumer) {
  // Deliveries are not limited: attempts are counted here, and what the server gives up stays in the stream
  // unseen.
  json::object config{{"durable_name", consumer.name},
                      {"deliver_policy", "all"},
                      {"ack_policy", "explicit"},
                      {"replay_policy", "instant"},
                      {"ack_wait", to_nanoseconds(consumer.ack_wait)},
                      {"max_deliver", -1},
                      {"max_ack_pending", 20'000}};
  if (!consumer.filter_subject.empty()) config["filter_subject"] = consumer.filter_subject;
  return json::serialize(json::object{{"stream_name", consumer.stream}, {"config", std::move(config)}});
}

std::string pull_json(std::uint32_t batch, Duration expires, Duration heartbeat) {
  return json::serialize(json::object{
      {"batch", batch}, {"expires", to_nanoseconds(expires)}, {"idle_heartbeat", to_nanoseconds(heartbeat)}});
}

std::string negative_acknowledgement(Duration delay) {
  if (delay <= Duration(0)) return "-NAK";
  return "-NAK {\"delay\":" + std::to_string(to_nanoseconds(delay)) + "}";
}

std::string next_message_json(std::uint64_t sequence, std::string_view filter_subject) {
  return json::serialize(
      json::object{{"seq", sequence}, {"next_by_subj", filter_subject.empty() ? ">" : filter_subject}});
}

bool is_literal_subject(std::string_view subject) {
  return !subject.empty() && subject.find_first_of("*>") == std::string_view::npos;
}

}  // namespace forewarm
