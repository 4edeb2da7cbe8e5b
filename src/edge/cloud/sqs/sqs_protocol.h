#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "edge/cloud/polled_engine.h"
#include "edge/net/http.h"

namespace forewarm {

// Bodies of the AWS JSON protocol 1.0 for SQS (API Reference of Amazon SQS), written and read. Answers that
// are not as documented are Corrupt.

struct SqsQueueFacts {
  std::optional<std::uint32_t> visibility_s;
  std::string dead_letter_arn{};  ///< of the RedrivePolicy; empty: there is none
  std::optional<std::uint32_t> receives_max;
  bool fifo = false;
  std::optional<std::uint64_t> waiting;
  std::optional<std::uint64_t> in_flight;

  friend bool operator==(const SqsQueueFacts&, const SqsQueueFacts&) = default;
};

std::string queue_attributes_json(const std::string& queue_url);
Result<SqsQueueFacts> parse_queue_attributes(std::string_view text);

struct SqsReceive {
  std::uint32_t most = 10;
  std::uint32_t visibility_s = 30;
  std::uint32_t wait_s = 20;
};
std::string receive_json(const std::string& queue_url, const SqsReceive& receive);
/// The origin of each message has its attributes with their types, for its dead letter. A body that does not
/// have its own MD5 makes the answer Corrupt.
Result<std::vector<PolledMessage>> parse_received(std::string_view text);

std::string delete_batch_json(const std::string& queue_url, const std::vector<std::string>& tokens);
std::string change_visibility_batch_json(const std::string& queue_url,
                                         const std::vector<std::pair<std::string, Duration>>& leases);
/// One for each entry: those that failed with what SQS said, Io where another try may help.
std::vector<Result<void>> parse_batch(std::string_view text, std::size_t entries);

struct SqsSend {
  std::string body{};
  std::vector<std::pair<std::string, std::string>> attributes{};
  std::string origin{};  ///< of parse_received(): attributes in place of the above
  std::string reason{};  ///< becomes the attribute DeadLetterReason, if there is room for an eleventh
  std::string group{};
  std::string deduplication_id{};
};
std::string send_json(const std::string& queue_url, const SqsSend& send);

/// What an answer that is not 200 says: "QueueDoesNotExist" without its namespace, and the text.
struct SqsFailure {
  std::string code;
  std::string text;

  bool is_throttling() const;
  /// Other credentials may help.
  bool is_of_credentials() const;
};
SqsFailure parse_failure(const HttpResponse& answer);

/// "arn:aws:sqs:REGION:ACCOUNT:NAME" becomes "/ACCOUNT/NAME"; empty if it is none.
std::string queue_path_of_arn(std::string_view arn);
/// Of sqs.REGION.amazonaws.com and the like; empty if the host does not say.
std::string region_of_sqs_host(std::string_view host);

}  // namespace forewarm
