#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace forewarm::sqs {

/// A typed message attribute (MessageAttributeValue). Binary values are raw bytes here.
struct AttributeValue {
  std::string data_type;  ///< String, Number, Binary, with an optional ".custom" suffix
  std::string value;

  friend bool operator==(const AttributeValue&, const AttributeValue&) = default;
};
/// Its value is bytes, not text.
inline bool is_binary(const AttributeValue& attribute) {
  return attribute.data_type.starts_with("Binary");
}
using Attributes = std::map<std::string, AttributeValue>;  ///< sorted by name, as the MD5 wants it
using StringMap = std::map<std::string, std::string>;

struct CreateQueue {
  std::string name;
  StringMap attributes;
  StringMap tags;
};
struct GetQueueUrl {
  std::string name;
  std::string owner;  ///< account; empty: the caller's
};
struct ListQueues {
  std::string prefix;
  std::optional<std::int64_t> results_max;
  std::string next_token;
};
struct DeleteQueue {
  std::string queue_url;
};
struct GetQueueAttributes {
  std::string queue_url;
  std::vector<std::string> names;
};
struct SetQueueAttributes {
  std::string queue_url;
  StringMap attributes;
};
struct SendMessageEntry {
  std::string id;  ///< in batches
  std::string body;
  std::optional<std::int64_t> delay_seconds;
  Attributes attributes;
  Attributes system_attributes;  ///< AWSTraceHeader
  std::string group_id;
  std::string deduplication_id;
};
struct SendMessage {
  std::string queue_url;
  SendMessageEntry entry;
};
struct SendMessageBatch {
  std::string queue_url;
  std::vector<SendMessageEntry> entries;
};
struct ReceiveMessage {
  std::string queue_url;
  std::int64_t messages_max = 1;
  std::optional<std::int64_t> visibility_timeout;
  std::optional<std::int64_t> wait_seconds;
  std::vector<std::string>
      system_attribute_names;                ///< AttributeNames and MessageSystemAttributeNames together
  std::vector<std::string> attribute_names;  ///< MessageAttributeNames; "All", "x.*" allowed
  std::string attempt_id;
};
struct DeleteEntry {
  std::string id;
  std::string receipt_handle;
};
struct DeleteMessage {
  std::string queue_url;
  DeleteEntry entry;
};
struct DeleteMessageBatch {
  std::string queue_url;
  std::vector<DeleteEntry> entries;
};
struct VisibilityEntry {
  std::string id;
  std::string receipt_handle;
  std::optional<std::int64_t> visibility_timeout;  ///< always there outside of batches
};
struct ChangeMessageVisibility {
  std::string queue_url;
  VisibilityEntry entry;
};
struct ChangeMessageVisibilityBatch {
  std::string queue_url;
  std::vector<VisibilityEntry> entries;
};
struct PurgeQueueRequest {
  std::string queue_url;
};
struct TagQueue {
  std::string queue_url;
  StringMap tags;
};
struct UntagQueue {
  std::string queue_url;
  std::vector<std::string> keys;
};
struct ListQueueTags {
  std::string queue_url;
};
struct ListDeadLetterSourceQueues {
  std::string queue_url;
  std::optional<std::int64_t> results_max;
  std::string next_token;
};
struct StartMessageMoveTask {
  std::string source_arn;
  std::optional<std::string> destination_arn;  ///< none: each message to the queue that it came from
  std::optional<std::int64_t> messages_per_second_max;
};
struct CancelMessageMoveTask {
  std::string task_handle;
};
struct ListMessageMoveTasks {
  std::string source_arn;
  std::int64_t results_max = 1;
};
struct AddPermission {
  std::string queue_url;
  std::string label;
  std::vector<std::string> accounts;
  std::vector<std::string> actions;
};
struct RemovePermission {
  std::string queue_url;
  std::string label;
};

using Request =
    std::variant<CreateQueue, GetQueueUrl, ListQueues, DeleteQueue, GetQueueAttributes, SetQueueAttributes,
                 SendMessage, SendMessageBatch, ReceiveMessage, DeleteMessage, DeleteMessageBatch,
                 ChangeMessageVisibility, ChangeMessageVisibilityBatch, PurgeQueueRequest, TagQueue,
                 UntagQueue, ListQueueTags, ListDeadLetterSourceQueues, StartMessageMoveTask,
                 CancelMessageMoveTask, ListMessageMoveTasks, AddPermission, RemovePermission>;

}  // namespace forewarm::sqs
