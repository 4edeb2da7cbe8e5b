#pragma once

#include <variant>

#include "app/queue_context.h"
#include "app/queue_limits.h"

namespace forewarm {

/// SendMessage and SendMessageBatch: checks, numbers, packs and stores messages; answers when they are
/// durable.
class MessageSender {
 public:
  explicit MessageSender(QueueContext& context) : context_(context) {}

  void operator()(const sqs::SendMessage& request, const RequestContext& from, QueueReply reply);
  void operator()(const sqs::SendMessageBatch& request, const RequestContext& from, QueueReply reply);

 private:
  using Stored = std::function<void(const Result<void>&)>;
  using KeyedMessages = std::vector<std::pair<std::string, MessageId>>;  ///< by deduplication key

  /// What one request writes, gathered over its entries.
  struct Sending {
    const QueueEntry& queue;
    const RequestContext& from;
    TimePoint now;
    std::vector<StoredMessage> messages;
    QueueLoad load;  ///< of these messages
    std::vector<Write> records;
    KeyedMessages deduplicated;  ///< that this request is the first to name
    KeyedMessages repeated;      ///< whose first sending is on its way to the disk
  };

  sqs::SqsResult<sqs::Sent> take(const sqs::SendMessageEntry& entry, Sending& sending);
  std::optional<MessageId> find_original(const std::string& key, Sending& sending);
  void trace(MessageId message, const sqs::SendMessageEntry& entry, const std::string& header) const;
  sqs::Sent answer(const sqs::SendMessageEntry& entry, MessageId message, bool fifo) const;
  sqs::SqsError refusal(const Error& failure) const;
  void store(Sending sending, Stored done);
  void settle(const KeyedMessages& deduplicated, bool durable);
  bool still_there(const KeyedMessages& repeated) const;
  void forget_expired(TimePoint now);

  QueueContext& context_;
  QueueLimits limits_;
};

}  // namespace forewarm
