#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "edge/sqs/parse.h"
#include "edge/sqs/request.h"
#include "edge/sqs/sqs_error.h"

namespace forewarm::sqs {

/// The answer to all actions that answer with nothing.
struct Empty {};
/// CreateQueue and GetQueueUrl.
struct QueueUrl {
  std::string url;
};
/// ListQueues and ListDeadLetterSourceQueues; in the order of names.
struct QueueUrls {
  std::vector<std::string> urls;
  std::string next_token;
};
struct QueueAttributes {
  StringMap attributes;
};
struct QueueTags {
  StringMap tags;
};
/// A message that is durable. The digests are of what was sent; empty without attributes.
struct Sent {
  std::string id;  ///< in batches
  std::string message_id;
  std::string md5_of_body;
  std::string md5_of_attributes;
  std::string md5_of_system_attributes;
  std::string sequence_number;  ///< FIFO queues only
};
/// An entry of a batch that was refused while others may have succeeded.
struct Failed {
  std::string id;
  SqsError error;
};
struct SentBatch {
  std::vector<Sent> successful;
  std::vector<Failed> failed;
};
/// DeleteMessageBatch and ChangeMessageVisibilityBatch.
struct DoneBatch {
  std::vector<std::string> successful;
  std::vector<Failed> failed;
};
struct ReceivedMessage {
  std::string message_id;
  std::string receipt_handle;
  std::string body;
  std::string md5_of_body;
  StringMap system_attributes;  ///< those that were asked for
  Attributes attributes;        ///< those that were asked for
  std::string md5_of_attributes;
};
struct Received {
  std::vector<ReceivedMessage> messages;
};
/// StartMessageMoveTask.
struct MoveTaskStarted {
  std::string task_handle;
};
/// CancelMessageMoveTask.
struct MoveTaskCancelled {
  std::int64_t messages_moved = 0;
};
struct MoveTaskListed {
  std::string task_handle;  ///< while it is running
  std::string status;       ///< RUNNING, COMPLETED, CANCELLING, CANCELLED, FAILED
  std::string source_arn;
  std::string destination_arn;  ///< empty: to the queues that the messages came from
  std::optional<std::int64_t> messages_per_second_max;
  std::int64_t messages_moved = 0;
  std::optional<std::int64_t> messages_to_move;
  std::string failure_reason;
  std::int64_t started_ms = 0;  ///< since 1970
};
/// ListMessageMoveTasks; the most recent first.
struct MoveTasks {
  std::vector<MoveTaskListed> tasks;
};

using Response = std::variant<Empty, QueueUrl, QueueUrls, QueueAttributes, QueueTags, Sent, SentBatch,
                              DoneBatch, Received, MoveTaskStarted, MoveTaskCancelled, MoveTasks>;

struct HttpOutput {
  unsigned status = 200;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
};

/// In which words to answer: the protocol of the request, its action's name, and an id for this one answer.
struct Rendering {
  Protocol protocol = Protocol::Json;
  std::string_view action;
  std::string_view request_id;
};
HttpOutput render(const Response& response, const Rendering& rendering);
HttpOutput render(const SqsError& error, const Rendering& rendering);

}  // namespace forewarm::sqs
