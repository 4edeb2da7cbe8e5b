// How a message that was given up would fare now: for whoever looks into a dead-letter queue.

#include "core/orchestrator_state.h"

namespace forewarm {

RerunOdds RetryBook::rerun(TimePoint now, const FunctionState& function, const LastFailure& failure,
                           const Surroundings& around) const {
  const FunctionId id = function.pool.settings().id;
  MessageRecord as_it_was;
  as_it_was.message.receive_count = failure.attempts;
  as_it_was.failed_with = failure.error;
  as_it_was.error_key = failure.fingerprint;
  as_it_was.failed_at = failure.at;
  const OutcomeCounts newest = outcomes_.function(now, id);
  return {.failure = model_.odds(features(now, function, as_it_was, {}, around)),
          .evidence = outcomes_.after_error(now, id, failure.fingerprint).total(),
          .function_attempts = newest.total(),
          .function_failures = newest.failed,
          .breaker = function.breakers.view(now, failure.error, failure.fingerprint)};
}

std::optional<RerunOdds> Orchestrator::State::rerun_odds(QueueId id, const LastFailure& failure) {
  const QueueState* queue = find_queue(id);
  if (queue == nullptr || queue->function == nullptr || failure.error == ErrorClass::None)
    return std::nullopt;
  return retry_book_.rerun(now_, *queue->function, failure, surroundings(*queue));
}

std::optional<RerunOdds> Orchestrator::rerun_odds(QueueId queue, const LastFailure& failure) const {
  return state_->rerun_odds(queue, failure);
}

}  // namespace forewarm
