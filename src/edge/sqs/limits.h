#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "edge/sqs/request.h"
#include "edge/sqs/sqs_error.h"

namespace forewarm::sqs {

// What the service allows, as of 2026. Source: SQS Developer Guide, "Amazon SQS quotas", and the API
// reference.
inline constexpr std::uint64_t kMessageBytesMax = 1'048'576;  ///< body and attributes; of a whole batch too
inline constexpr std::uint64_t kMessageBytesMin = 1'024;      ///< least value of MaximumMessageSize
inline constexpr std::size_t kAttributesMax = 10;
inline constexpr std::size_t kBatchEntriesMax = 10;
inline constexpr std::int64_t kDelaySecondsMax = 900;
inline constexpr std::int64_t kVisibilitySecondsMax = 43'200;
inline constexpr std::int64_t kWaitSecondsMax = 20;
inline constexpr std::int64_t kReceiveMessagesMax = 10;
inline constexpr std::int64_t kRetentionSecondsMin = 60;
inline constexpr std::int64_t kRetentionSecondsMax = 1'209'600;
inline constexpr std::int64_t kListResultsMax = 1'000;
inline constexpr std::int64_t kReceiveCountMax = 1'000;  ///< greatest maxReceiveCount of a redrive policy
inline constexpr std::uint64_t kInFlightMax = 120'000;   ///< messages of one queue
inline constexpr std::size_t kTagsMax = 50;
inline constexpr std::size_t kTagKeyCharactersMax = 128;
inline constexpr std::size_t kTagValueCharactersMax = 256;
/// A request: a message or batch whose every byte is escaped as \u00XX (JSON) or %XX (forms), or a batch of
/// the largest messages, which is to be told why it is too long; and the rest.
inline constexpr std::size_t kRequestBytesMax = kBatchEntriesMax * kMessageBytesMax + (1U << 20);
inline constexpr std::int64_t kMovesPerSecondMax = 500;  ///< of a message move task
inline constexpr std::int64_t kMoveTasksListedMax = 10;
inline constexpr std::size_t kMoveTasksActiveMax = 100;  ///< of an account
inline constexpr std::size_t kPermissionActionsMax = 7;  ///< in one statement of a policy
inline constexpr std::size_t kPermissionStatementsMax = 20;
inline constexpr std::size_t kPermissionAccountsMax = 50;

/// 1 to 80 of [A-Za-z0-9_-], the last five of which may be ".fifo".
bool is_queue_name(std::string_view name);
/// 1 to 80 of [A-Za-z0-9_-].
bool is_batch_id(std::string_view id);
/// A group or deduplication id: 1 to 128 of the printable ASCII characters but the space.
bool is_fifo_id(std::string_view id);
/// UTF-8 of characters that XML 1.0 allows (section 2.2): what a body or a text attribute may hold.
bool is_allowed_text(std::string_view text);

/// What is wrong with tags that are to be added, if anything.
std::optional<SqsError> find_tag_fault(const StringMap& tags);

/// Body, and names, types and values of the attributes; system attributes do not count.
std::uint64_t size_bytes(const SendMessageEntry& entry);

/// What is wrong with a message whatever its queue, if anything.
std::optional<SqsError> find_fault(const SendMessageEntry& entry);

}  // namespace forewarm::sqs
