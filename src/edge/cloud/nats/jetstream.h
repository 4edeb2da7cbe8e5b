#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"

namespace forewarm {

/// What JetStream's API answers, in the parts that are of use here. Source: the NATS documentation,
/// "JetStream wire API", and its JSON schemas (io.nats.jetstream.api.v1).
struct StreamFacts {
  std::vector<std::string> subjects{};
  std::uint64_t last_sequence = 0;
};

struct ConsumerFacts {
  bool pull = false;
  bool explicit_acks = false;
  Duration ack_wait{};
  std::vector<Duration> backoff{};  ///< in its place, by delivery
  std::optional<std::uint32_t> deliveries_max{};
  std::string filter_subject{};
  std::optional<std::uint32_t> batch_max{};  ///< of a pull request
  std::optional<Duration> expires_max{};     ///< of a pull request
  std::uint64_t pending = 0;                 ///< never delivered
  std::uint64_t unacknowledged = 0;
  std::uint64_t delivered_sequence = 0;  ///< in the stream, of what was delivered last

  /// How long delivery number `delivery` (from 1) is lent.
  Duration lease(std::uint32_t delivery) const;
};

/// From the reply subject of a message, $JS.ACK. and so on: of a server since 2.0, with a domain or without.
struct DeliveryFacts {
  std::uint32_t deliveries = 0;
  std::uint64_t sequence = 0;
  TimePoint stored{};
};

/// What went wrong at the server, as its API says it.
struct JetStreamError {
  int code = 0;
  std::string description{};
};
constexpr int kConsumerNotFound = 10014;
constexpr int kStreamNotFound = 10059;

/// Nothing: the answer is no error. For each answer first.
std::optional<JetStreamError> parse_error(std::string_view text);
Result<StreamFacts> parse_stream(std::string_view text);
Result<ConsumerFacts> parse_consumer(std::string_view text);
/// When the message was stored, of an answer to STREAM.MSG.GET.
Result<TimePoint> parse_stored(std::string_view text);
std::optional<DeliveryFacts> parse_delivery(std::string_view reply_subject);

struct NewConsumer {
  std::string stream;
  std::string name;
  Duration ack_wait{};
  std::string filter_subject{};
};
std::string create_consumer_json(const NewConsumer& consumer);
/// The server says each `heartbeat` that it still waits for messages; at most half of `expires`.
std::string pull_json(std::uint32_t batch, Duration expires, Duration heartbeat);
std::string negative_acknowledgement(Duration delay);
/// The first message at or after a sequence.
std::string next_message_json(std::uint64_t sequence, std::string_view filter_subject);

/// Without * and >: messages can be published to it.
bool is_literal_subject(std::string_view subject);

}  // namespace forewarm
