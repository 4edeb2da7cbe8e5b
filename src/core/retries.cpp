// What becomes of a message whose run failed: again, later, held by a circuit breaker, moved.

#include <algorithm>
#include <utility>

#include "core/orchestrator_state.h"

namespace forewarm {
namespace {

constexpr std::size_t kLetGoPerStep = 64;
constexpr Duration kBreakersApart = 50ms;  // between two looks, while a canary finds no instance

/// The store and whoever watches are told when a held message may run, now or later.
SetVisibility while_held(TimePoint now, const FunctionState& function, const MessageRecord& record,
                         TimePoint visible_at) {
  const BreakerView view = function.breakers.view(now, record.failed_with, record.error_key);
  RetryDecision decision;
  decision.choice = visible_at > now ? RetryChoice::Later : RetryChoice::Now;
  decision.delay = visible_at - now;
  decision.error = record.failed_with;
  decision.attempt = record.attempts();
  decision.evidence = view.failed_in_row;
  decision.cause = view.cause;
  decision.fingerprint = record.error_key;
  return {record.message.id, visible_at, record.message.receive_count, decision};
}

}  // namespace

void Orchestrator::State::finish_message(QueueState& queue, FunctionState& function, MessageRecord& record,
                                         const RunRecord& run, std::size_t place, const Failure& failure) {
  if (failure.error != ErrorClass::Capacity) {
    const bool again = record.failed_with != ErrorClass::None;
    retry_book_.learn(now_, record, run.attempts[place], failure);
    if (!options_.decide_retry && !failure.known)
      function.breakers.observe({.at = now_,
                                 .first = !again,
                                 .again = again,
                                 .previous = record.error_key,
                                 .error = failure.error,
                                 .fingerprint = failure.fingerprint,
                                 .tenant = record.message.tenant});
  }
  if (failure.error == ErrorClass::None) {
    actions_->push_back(Delete{record.message.id, DeleteReason::RunSucceeded});
    forget(record);
    return;
  }
  record.failed_on = run.instance;
  if (failure.error == ErrorClass::Capacity) {
    // Says nothing of the message: what it failed with before still stands.
    const ErrorClass before = std::exchange(record.failed_with, ErrorClass::Capacity);
    record.spare();
    conclude(queue, function, record);
    record.failed_with = before;
    return;
  }
  record.failed_with = failure.error;
  record.error_key = failure.fingerprint;
  record.failed_at = now_;
  conclude(queue, function, record);
}

/// Decides what becomes of a message that has failed, and does it.
void Orchestrator::State::conclude(QueueState& queue, FunctionState& function, MessageRecord& record) {
  RetryInputs inputs = retry_book_.inputs(now_, queue, function, record, surroundings(queue));
  const auto& redrive = queue.settings.redrive;
  inputs.has_dead_letter_queue = redrive && find_queue(redrive->dead_letter_queue) != nullptr;
  const RetrySettings settings = queue.mapping ? queue.mapping->retry : RetrySettings{};
  const RetryDecision decision =
      options_.decide_retry ? options_.decide_retry(inputs) : decide_retry(inputs, settings);
  take_from_holder(queue, record);
  if (decision.choice == RetryChoice::DeadLetter && inputs.has_dead_letter_queue) {
    const bool used_up = decision.attempt >= decision.attempts_max;
    move(record, *find_queue(redrive->dead_letter_queue),
         used_up ? MoveReason::AttemptsUsed : MoveReason::FailureOdds, decision);
    return;
  }
  const TimePoint visible_at = saturating_add(now_, std::max(decision.delay, Duration(0)));
  ++queue.retries;
  actions_->push_back(SetVisibility{record.message.id, visible_at, record.message.receive_count, decision});
  if (waits_for_breaker(inputs)) {
    if (!inputs.breaker.counts) record.spare();
    record.held = true;
    const int left = inputs.attempts_max - record.attempts();
    function.breakers.hold(record.message.id, record.failed_with, record.error_key,
                           static_cast<std::uint32_t>(std::max(1, left)));
    wake_breakers(function);
  }
  if (visible_at > now_) {
    hold_until(queue, record, visible_at);
  } else {
    make_ready(queue, record);
  }
}

/// A held message whose predicted recovery did not come waits for the next one predicted, or is given up if
/// its failure turned out to be its own: no run, no attempt counted.
bool Orchestrator::State::keep_held(QueueState& queue, MessageRecord& record) {
  if (!record.held || queue.function == nullptr) return false;
  const CircuitBreakers& breakers = queue.function->breakers;
  const BreakerView view = breakers.view(now_, record.failed_with, record.error_key);
  if (view.state == BreakerState::Permanent) {
    record.held = false;
    conclude(queue, *queue.function, record);
    return true;
  }
  if (view.state != BreakerState::Open && view.state != BreakerState::HalfOpen) return false;
  const Duration longest = queue.mapping->retry.backoff_max;
  const TimePoint until = saturating_add(now_, std::max<Duration>(1s, std::min(view.wait, longest)));
  actions_->push_back(while_held(now_, *queue.function, record, until));
  take_from_holder(queue, record);
  hold_until(queue, record, until);
  return true;
}

/// Lets go what the function's breakers say, and looks at them again when they say.
void Orchestrator::State::advance_breakers(FunctionState& function) {
  std::size_t ready = 0;
  for (const QueueId id : function.queues) {
    // What waits behind a held message of its group cannot be run, and is no canary.
    if (QueueState* queue = find_queue(id); queue != nullptr && queue->ready.available(now_))
      ready += queue->ready.size();
  }
  const TimePoint before = function.breakers.wake_at();
  for (const MessageId id : function.breakers.take_due(now_, ready, kLetGoPerStep)) {
    MessageRecord* record = messages_.find(id);
    if (record == nullptr || !record->held || record->holder != Holder::Time) continue;
    QueueState& queue = *find_queue(record->message.queue);
    record->held = false;
    if (function.breakers.view(now_, record->failed_with, record->error_key).state ==
        BreakerState::Permanent) {
      conclude(queue, function, *record);
      continue;
    }
    actions_->push_back(while_held(now_, function, *record, now_));
    take_from_holder(queue, *record);
    make_ready(queue, *record);
    leave_pending(queue);
  }
  if (before == kNever) return;
  for (const QueueId id : function.queues) {
    if (QueueState* queue = find_queue(id); queue != nullptr && queue->ready.available(now_))
      leave_pending(*queue);
  }
  wake_breakers(function);
}

void Orchestrator::State::wake_breakers(const FunctionState& function) {
  const TimePoint wake = function.breakers.wake_at();
  if (wake == kNever) return;
  const TimePoint at = std::max(wake, now_ + kBreakersApart);
  if (timers_.due(breaker_timer_) <= at) return;
  timers_.set(breaker_timer_, at);
}

void Orchestrator::State::breakers_due() {
  for (auto& [id, function] : functions_) {
    if (function.breakers.wake_at() <= now_)
      advance_breakers(function);
    else
      wake_breakers(function);
  }
}

std::vector<double> Orchestrator::State::failure_odds(RunId run) const {
  const RunRecord* found = runs_.find(run);
  return found != nullptr ? retry_book_.odds(*found) : std::vector<double>{};
}

std::vector<double> Orchestrator::failure_odds(RunId run) const {
  return state_->failure_odds(run);
}

std::vector<CircuitBreakers::Row> Orchestrator::breakers(FunctionId id) const {
  const FunctionState* function = state_->find_function(id);
  return function != nullptr ? function->breakers.rows(state_->now()) : std::vector<CircuitBreakers::Row>{};
}

}  // namespace forewarm
