#pragma once

#include <memory>
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

  /// Polls that wait for the queue to have room for messages in flight. False when there are none.
  bool tick();
  /// Answers them with nothing: for the end.
  void answer_held();

  /// The message of a lease as its receiver sees it, with the attributes that the request asks for.
  Result<sqs::ReceivedMessage> read(QueueId queue, const Lease& lease, const sqs::ReceiveMessage& wanted);

 private:
  /// A long poll of a queue that has as many messages in flight as it may.
  struct Held {
    QueueId queue;
    sqs::ReceiveMessage request;
    RequestContext from;
    QueueReply reply;
    TimePoint wait_until;
    bool closed = false;
  };
  bool may_deliver(QueueId queue) const;
  void hold(Held poll);
  void ask(Held poll);
  using EntryDone = std::function<void(sqs::SqsResult<void>)>;

  void deliver(QueueId queue, const std::vector<Lease>& leases, const sqs::ReceiveMessage& wanted,
               const QueueReply& reply);
  void deliver_again(const QueueEntry& queue, std::vector<Lease> leases, const sqs::ReceiveMessage& wanted,
                     QueueReply reply);
  void give_back(const std::vector<Lease>& leases);
  sqs::SqsResult<sqs::Receipt> open(const QueueEntry& queue, const std::string& receipt_handle) const;
  void remove(const QueueEntry& queue, const sqs::DeleteEntry& entry, const EntryDone& done);
  void change_visibility(const QueueEntry& queue, const sqs::VisibilityEntry& entry, const EntryDone& done);
  void submit(Event event, const EntryDone& done);
  sqs::StringMap system_attributes(const sqs::ReceiveMessage& wanted, const QueueEntry& queue,
                                   const Lease& lease, const sqs::Payload& payload);
  template <class Entries, class Handle>
  void each_of_batch(const Entries& entries, QueueReply reply, Handle handle);

  QueueContext& context_;
  std::vector<std::shared_ptr<Held>> held_;
};

}  // namespace forewarm
