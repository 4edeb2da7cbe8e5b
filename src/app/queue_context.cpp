#include "app/queue_context.h"

#include <algorithm>

#include "edge/sqs/limits.h"

namespace forewarm {

TimePoint ReceiveTimes::note(MessageId message, std::uint16_t receive_count, TimePoint now) {
  if (Times* known = times_.find(message)) {
    // A count of one again: dead-lettered or redriven since, and received for the first time there.
    if (receive_count <= 1) known->first = now;
    known->last = now;
    return known->first;
  }
  if (order_.size() >= kEntriesMax) {
    times_.erase(order_.front());
    order_.pop_front();
  }
  times_.insert(message, {.first = now, .last = now});
  order_.push_back(message);
  return now;
}

std::optional<TimePoint> ReceiveTimes::last(MessageId message) const {
  const Times* known = times_.find(message);
  return known ? std::optional(known->last) : std::nullopt;
}

std::vector<Lease> ReceiveAttempts::find(QueueId queue, const std::string& attempt_id, TimePoint now,
                                         const Orchestrator& core) const {
  const auto found = attempts_.find({queue, attempt_id});
  if (found == attempts_.end() || found->second.first + kAttemptWindow <= now) return {};
  const bool untouched = std::ranges::all_of(found->second.leases, [&](const Lease& lease) {
    const Message* message = core.message(lease.message);
    return message && message->queue == queue && message->receive_count == lease.receive_count &&
           message->visible_at == lease.visible_at && core.in_flight(lease.message);
  });
  return untouched ? found->second.leases : std::vector<Lease>();
}

void ReceiveAttempts::note(QueueId queue, const std::string& attempt_id, std::vector<Lease> leases,
                           TimePoint now) {
  while (!order_.empty() && (order_.front().first + kAttemptWindow <= now || order_.size() >= kAttemptsMax)) {
    const auto old = attempts_.find(order_.front().second);
    // The same id may have been used again since.
    if (old != attempts_.end() && old->second.first == order_.front().first) attempts_.erase(old);
    order_.pop_front();
  }
  const Key key{queue, attempt_id};
  Attempt& attempt = attempts_[key];
  const bool again = !attempt.leases.empty() && attempt.leases.size() == leases.size() &&
                     std::ranges::equal(attempt.leases, leases, {}, &Lease::message, &Lease::message) &&
                     attempt.leases.front().receive_count == leases.front().receive_count;
  attempt.leases = std::move(leases);
  if (again) return;
  attempt.first = now;
  order_.emplace_back(now, key);
}

QueueContext::QueueContext(QueueServiceOptions chosen)
    : options(std::move(chosen)),
      directory(options.names),
      dead_letters({.queue =
                        [this](QueueId id) {
                          const QueueEntry* queue = directory.find(id);
                          return queue != nullptr ? queue->name : std::string();
                        },
                    .receives_max =
                        [this](QueueId id) {
                          const QueueEntry* queue = directory.find(id);
                          if (queue == nullptr) return std::uint16_t{0};
                          const auto policy = read_redrive_policy(queue->attributes);
                          return policy && *policy ? (*policy)->receive_count_max : std::uint16_t{0};
                        }}) {}

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
