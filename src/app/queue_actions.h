#pragma once

#include "app/queue_context.h"

namespace forewarm {

/// The actions on queues themselves: create, find, list, delete, purge, attributes, tags.
class QueueActions {
 public:
  explicit QueueActions(QueueContext& context) : context_(context) {}

  void operator()(const sqs::CreateQueue& request, const RequestContext& from, const QueueReply& reply);
  void operator()(const sqs::GetQueueUrl& request, const RequestContext& from, const QueueReply& reply);
  void operator()(const sqs::ListQueues& request, const RequestContext& from, const QueueReply& reply);
  void operator()(const sqs::DeleteQueue& request, const RequestContext& from, const QueueReply& reply);
  void operator()(const sqs::GetQueueAttributes& request, const RequestContext& from,
                  const QueueReply& reply);
  void operator()(const sqs::SetQueueAttributes& request, const RequestContext& from,
                  const QueueReply& reply);
  void operator()(const sqs::PurgeQueueRequest& request, const RequestContext& from, const QueueReply& reply);
  void operator()(const sqs::TagQueue& request, const RequestContext& from, const QueueReply& reply);
  void operator()(const sqs::UntagQueue& request, const RequestContext& from, const QueueReply& reply);
  void operator()(const sqs::ListQueueTags& request, const RequestContext& from, const QueueReply& reply);
  void operator()(const sqs::ListDeadLetterSourceQueues& request, const RequestContext& from,
                  const QueueReply& reply);
  void operator()(const sqs::AddPermission& request, const RequestContext& from, const QueueReply& reply);
  void operator()(const sqs::RemovePermission& request, const RequestContext& from, const QueueReply& reply);

 private:
  void put_policy(const QueueEntry& queue, const sqs::SqsResult<std::string>& policy,
                  const QueueReply& reply);
  void carry_out(QueueDirectory::Change change, std::vector<Event> more, const QueueReply& reply,
                 sqs::Response response);
  void add_delays(const QueueEntry& queue, std::vector<Event>& events) const;
  sqs::StringMap computed_attributes(const QueueEntry& queue) const;
  void list(const RequestContext& from, std::optional<std::int64_t> results_max,
            const std::string& next_token, const std::function<bool(const QueueEntry&)>& wanted,
            const QueueReply& reply);
  void remove_expired_names();

  QueueContext& context_;
};

}  // namespace forewarm
