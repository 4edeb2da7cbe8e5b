#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/time.h"
#include "edge/sqs/request.h"
#include "edge/sqs/sqs_error.h"

namespace forewarm {

/// What a queue's attributes mean for the edge, with the service's defaults for those that are not set.
struct QueueRules {
  Duration delay = Duration(0);
  Duration retention = 96h;
  Duration visibility_timeout = 30s;
  Duration receive_wait = Duration(0);
  std::uint64_t message_bytes_max = 1'048'576;
  std::uint64_t messages_max = 0;  ///< in the queue, whatever their state; 0: no limit
  std::uint64_t bytes_max = 0;     ///< of these together; 0: no limit
  bool paused = false;             ///< nothing is handed out
  bool fifo = false;
  bool content_deduplication = false;
  bool deduplication_per_group = false;

  friend bool operator==(const QueueRules&, const QueueRules&) = default;
};

/// A RedrivePolicy as written: the target by its ARN.
struct RedriveText {
  std::string target_arn;
  std::uint16_t receive_count_max = 0;
};

/// Refuses attributes that cannot be set, and values that they cannot have. Needs no knowledge of other
/// queues.
sqs::SqsResult<void> check_attributes(const sqs::StringMap& attributes, bool fifo);
/// The effective values; `attributes` have passed check_attributes().
QueueRules read_rules(const sqs::StringMap& attributes, bool fifo);
/// A value as the service writes it, however it was set: 7 for 07, a redrive policy's count as a number.
std::string canonical_value(std::string_view name, const std::string& value);
/// The value of a settable attribute: as set, else its default; nothing if it is neither set nor has one.
std::optional<std::string> effective_value(const sqs::StringMap& attributes, bool fifo,
                                           std::string_view name);
/// What is set after `changes`, unchecked.
sqs::StringMap merge_attributes(const sqs::StringMap& set, const sqs::StringMap& changes);
/// True for every attribute that a queue of some kind can have, computed ones and All too.
bool is_attribute_name(std::string_view name);
/// The settable attributes that a queue of this kind answers for All, as set or by default.
sqs::StringMap all_settable(const sqs::StringMap& attributes, bool fifo);

/// Nothing if there is no RedrivePolicy.
sqs::SqsResult<std::optional<RedriveText>> read_redrive_policy(const sqs::StringMap& attributes);
/// Refuses what a RedrivePolicy cannot hold; one that was stored with more is still read.
sqs::SqsResult<void> check_redrive_policy_members(const sqs::StringMap& attributes);
/// Refuses a RedriveAllowPolicy that is not of the service's form.
sqs::SqsResult<void> check_redrive_allow_policy(const sqs::StringMap& attributes);
/// True if the RedriveAllowPolicy among `attributes` lets `source_arn` use this queue as its dead-letter
/// queue.
bool allows_redrive(const sqs::StringMap& attributes, std::string_view source_arn);

}  // namespace forewarm
