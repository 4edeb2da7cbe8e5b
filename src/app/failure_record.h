#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "core/model/decision.h"
#include "core/model/ids.h"
#include "edge/store/store.h"

namespace forewarm {

/// A run that failed, for all messages that failed in it.
struct FailedRun {
  std::string function{};
  std::uint32_t version = 0;  ///< of the function
  InstanceId instance{};
  ErrorClass error = ErrorClass::Handler;
  std::uint64_t fingerprint = 0;
  std::string type{};     ///< as the function reported it, cut
  std::string message{};  ///< the same
  TimePoint at{};
};

/// What a dead letter failed with: a record of the store beside the message, `failure/<message id>`
/// (docs/formats/records.md).
struct FailureRecord {
  MessageId message;
  QueueId source;  ///< that it was dead-lettered from
  std::string source_name;
  MoveReason reason = MoveReason::ReceiveCount;
  RetryDecision decision{};  ///< error None where no failed run is known
  FailedRun last{};          ///< empty where none is known
  TimePoint at;              ///< when it was dead-lettered
};

inline constexpr std::string_view kFailurePrefix = "failure/";
inline constexpr std::size_t kErrorTypeKept = 100;
inline constexpr std::size_t kErrorMessageKept = 240;

std::string failure_key(MessageId message);
PutRecord to_record(const FailureRecord& failure);
/// Corrupt names the record.
Result<FailureRecord> read_failure_record(std::string_view key, std::string_view value);

/// What a run failed with, told from others that mean something else: the error's type and its message
/// without what differs from one message to the next. 0 where the function reported neither.
std::uint64_t error_fingerprint(std::string_view type, std::string_view message);
/// As people see it: 16 hexadecimal digits.
std::string fingerprint_text(std::uint64_t fingerprint);
/// Nothing else is one.
Result<std::uint64_t> parse_fingerprint(std::string_view text);
/// At most `bytes` of it, cut between characters.
std::string cut_text(std::string_view text, std::size_t bytes);

}  // namespace forewarm
