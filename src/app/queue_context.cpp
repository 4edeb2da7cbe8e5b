#include "app/queue_context.h"

#include "edge/sqs/limits.h"

namespace forewarm {

TimePoint FirstReceives::note(MessageId message, std::uint16_t receive_count, TimePoint now) {
  if (const TimePoint* known = times_.find(message); known && receive_count > 1) return *known;
  if (TimePoint* known = times_.find(message)) {
    *known = now;  // dead-lettered since, and received for the first time there
    return now;
  }
  if (order_.size() >= kEntriesMax) {
    times_.erase(order_.front());
    order_.pop_front();
  }
  times_.insert(message, now);
  order_.push_back(message);
  return now;
}

bool QueueContext::finish() {
  while (!unfinished.empty()) {
    if (!unfinished.front()()) return false;
    unfinished.pop_front();
  }
  return true;
}

sqs::SqsResult<const QueueEntry*> QueueContext::find(std::string_view queue_url) const {
  const std::string_view name = sqs::queue_name(queue_url);
  if (!sqs::is_queue_name(name)) {
    return sqs::refuse(sqs::Fault::InvalidAddress, "The address " + std::string(queue_url.substr(0, 256)) +
                                                       " is not valid for this endpoint.");
  }
  const QueueEntry* queue = directory.find(name);
  if (!queue) return sqs::refuse(sqs::Fault::QueueDoesNotExist, "The specified queue does not exist.");
  return queue;
}

std::string QueueContext::url(const RequestContext& context, std::string_view name) const {
  return context.base_url + "/" + options.names.account + "/" + std::string(name);
}

sqs::SqsError to_sqs_error(const Error& failure) {
  const bool later = failure.code == ErrorCode::Exhausted;
  return {later ? sqs::Fault::RequestThrottled : sqs::Fault::ServiceUnavailable, failure.message};
}

std::function<void(const Result<void>&)> Join::part() {
  ++state_->open;
  return [state = state_](const Result<void>& outcome) { done(*state, outcome); };
}

void Join::done(State& state, const Result<void>& outcome) {
  if (!outcome && state.outcome) state.outcome = outcome;
  if (--state.open == 0) state.finish(state.outcome);
}

}  // namespace forewarm
