#pragma once

#include <vector>

#include "app/queue_context.h"
#include "edge/sqs/payload.h"

namespace forewarm {

/// ReceiveMessage, DeleteMessage and ChangeMessageVisibility with their batches; and the messages of a
/// function's run.
class MessageReceiver {
 public:
  explicit MessageReceiver(QueueContext& context) : context_(context) {}

  void operator()(const sqs::ReceiveMessage& request, const RequestContext& from, QueueReply reply);
  void operator()(const sqs::DeleteMessage& request, const RequestContext& from, QueueReply reply);
  void operator()(const sqs::DeleteMessageBatch& request, const RequestContext& from, QueueReply reply);
  void operator()(const sqs::ChangeMessageVisibility& request, const RequestContext& from, QueueReply reply);
  void operator()(const sqs::ChangeMessageVisibilityBatch& request, const RequestContext& from,
                  QueueReply reply);

  /// The message of a lease as its receiver sees it, with the attributes that the request asks for.
  Result<sqs::ReceivedMessage> read(QueueId queue, const Lease& lease, const sqs::ReceiveMessage& wanted);

 private:
  using EntryDone = std::function<void(sqs::SqsResult<void>)>;

  void deliver(QueueId queue, const std::vector<Lease>& leases, const sqs::ReceiveMessage& wanted,
               const QueueReply& reply);
  void deliver_again(const QueueEntry& queue, std::vector<Lease> leases, const sqs::ReceiveMessage& wanted,
                     QueueReply reply);
  void give_back(const std::vector<Lease>& leases);
  sqs::SqsResult<sqs::Receipt> open(const QueueEntry& queue, const std::string& receipt_handle) const;
  void remove(const QueueEntry& queue, const sqs::DeleteEntry& entry, EntryDone done);
  void change_visibility(const QueueEntry& queue, const sqs::VisibilityEntry& entry, EntryDone done);
  void submit(Event event, EntryDone done);
  sqs::StringMap system_attributes(const sqs::ReceiveMessage& wanted, const QueueEntry& queue,
                                   const Lease& lease, const sqs::Payload& payload);
  template <class Entries, class Handle>
  void each_of_batch(const Entries& entries, QueueReply reply, Handle handle);

  QueueContext& context_;
};

}  // namespace forewarm
