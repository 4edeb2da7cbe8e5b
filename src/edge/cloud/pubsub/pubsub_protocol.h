#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "edge/cloud/polled_engine.h"
#include "edge/net/http.h"

namespace forewarm {

// Bodies of the Pub/Sub REST API, version 1, and of the Cloud Monitoring API, version 3 (Google Cloud
// reference), written and read. Answers that are not as documented are Corrupt.

struct PubSubSubscription {
  std::string topic{};  ///< "projects/P/topics/T"
  Duration ack_deadline{0};
  bool has_dead_letter_policy = false;  ///< only then deliveries are counted
  std::optional<std::uint32_t> deliveries_max;
};
Result<PubSubSubscription> parse_subscription(std::string_view text);

std::string pull_json(std::uint32_t most);
Result<std::vector<PolledMessage>> parse_pulled(std::string_view text);

std::string acknowledge_json(const std::vector<std::string>& tokens);
std::string modify_ack_deadline_json(const std::vector<std::string>& tokens, Duration deadline);

/// The reason becomes the attribute CloudPubSubDeadLetterReason.
std::string publish_json(const LentMessage& message, const std::string& reason = "");

/// "NOT_FOUND: ..." of an answer that is not 200.
std::string pubsub_failure(const HttpResponse& answer);

/// The newest point of the first series of timeSeries.list; none if there is none.
Result<std::optional<double>> parse_newest_point(std::string_view text);

std::string base64(std::string_view bytes);
/// Invalid for what is not base64 (RFC 4648 section 4).
Result<std::string> base64_decoded(std::string_view text);

}  // namespace forewarm
