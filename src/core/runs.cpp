// Who works on a message: receivers and function instances draw from one ready order.

#include <algorithm>

#include "core/orchestrator_state.h"
#include "core/routing.h"
#include "core/summaries.h"

namespace forewarm {
namespace {

constexpr int kServedPerStep = 64;
constexpr Duration kMisfitLooksAgain = 10ms;
/// Bodies of one run. Lambda takes 6 MB, as JSON, in which a body grows by its quotes and its attributes.
constexpr std::uint64_t kBatchBytesMax = 4'000'000;

}  // namespace

/// Hands out what can be handed out now, then sees to it that what still waits will not wait too long.
void Orchestrator::State::serve(QueueState& queue) {
  if (queue.sweep_until != nullptr || queue.removed || queue.paused) return;
  for (int n = 0; n < kServedPerStep; ++n) {
    if (!queue.ready.available(now_)) return;
    if (!serve_receiver(queue) && !serve_function(queue)) {
      if (may_run(queue, now_)) react(queue);
      return;
    }
  }
  leave_pending(queue);
}

bool Orchestrator::State::serve_receiver(QueueState& queue) {
  if (queue.receivers.empty()) return false;
  ReceiverRecord& receiver = *receivers_.find(queue.receivers.front());
  queue.receivers.pop_front();
  return deliver(queue, receiver);
}

/// Starts one run if an instance is idle and a batch is complete (or has waited its window).
bool Orchestrator::State::serve_function(QueueState& queue) {
  FunctionState* function = queue.function;
  if (function == nullptr || !may_run(queue, now_)) return false;
  const MappingSettings& mapping = *queue.mapping;
  if (mapping.batch_window > Duration(0) && queue.ready.size() < mapping.batch_size) {
    const TimePoint full_at = saturating_add(*queue.ready.oldest_since(), mapping.batch_window);
    if (full_at > now_) {
      timers_.set(queue.batch, full_at);
      return false;
    }
  }
  function->passed.clear();
  FoundRoute found = find_route(queue, *function, messages_, now_, function->passed);
  if (found.misfit && !start_fitting(queue, *function, *found.misfit->route.instance)) {
    function->passed.resize(found.misfit->passed);
    found.route = found.misfit->route;
  } else if (found.misfit) {
    const bool stopped =
        found.route.instance && function->pool.find(*found.route.instance)->state == InstanceState::Stopping;
    if (stopped) return true;  // another may be free
    found.look_again = std::min(found.look_again, std::max(function->start_summary.mean, kMisfitLooksAgain));
  }
  if (found.route.instance) {
    begin_run(queue, *function, found.route, function->passed);
    return true;
  }
  // If the awaited run hangs, another instance must be found.
  if (found.look_again < Duration::max()) timers_.set(queue.batch, saturating_add(now_, found.look_again));
  return false;
}

void Orchestrator::State::begin_run(QueueState& queue, FunctionState& function, const RouteChoice& route,
                                    const std::vector<MessageId>& passed) {
  const RunId run(next_run_++);
  const InstanceId instance = *route.instance;
  RunRecord& record = runs_.insert(run, {run, instance, queue.mapping->function, queue.id, {}, {}});
  Run action{run, instance, record.function, queue.id, {}, route.decision};
  const std::uint32_t batch = std::max<std::uint32_t>(1, queue.mapping->batch_size);
  const Surroundings around = surroundings(queue);
  std::uint64_t bytes = 0;
  while (action.leases.size() < batch) {
    const std::optional<MessageId> next = queue.ready.front(now_, passed);
    if (!next) break;
    MessageRecord& message = *messages_.find(*next);
    // A message is not put back onto the instance that failed it just because another message leads the
    // batch.
    if (!action.leases.empty() && message.failed_on == instance) break;
    bytes += message.message.bytes;
    if (!action.leases.empty() && bytes > kBatchBytesMax) break;
    queue.ready.pop(now_, passed);
    record.attempts.push_back(retry_book_.features(now_, function, message, instance, around));
    lease(queue, message, Holder::Run);
    message.message.visible_at = now_;
    action.leases.push_back({*next, message.message.receive_count, now_});
    record.messages.push_back(*next);
  }
  function.breakers.run_begins(now_);
  thaw(function, instance);
  const Message& first = messages_.find(record.messages.front())->message;
  function.pool.begin_run(instance, run, now_,
                          predicted_end(function, *function.pool.find(instance), record, messages_, now_),
                          affinity_of(first));
  actions_->push_back(std::move(action));
}

void Orchestrator::State::on(const RunFinished& event) {
  const RunRecord* found = runs_.find(event.run);
  if (found == nullptr) return;  // its instance was lost, which ended it
  const RunRecord run = *found;
  runs_.erase(event.run);
  if (FunctionState* function = find_function(run.function)) {
    function->pool.end_run(
        run.instance, now_,
        event.error == ErrorClass::Capacity ? std::nullopt : std::optional(event.error == ErrorClass::None));
    if (event.error != ErrorClass::Capacity) learn(*function, run, event, messages_);
    // Its process is gone or being killed: InstanceLost is on the way, and nothing may run on it until then.
    if (event.error == ErrorClass::Crash || event.error == ErrorClass::Timeout) {
      machine_.told_to_stop(function->pool.find(run.instance)->memory_bytes);
      function->pool.stop(run.instance, now_);
    }
    if (event.error != ErrorClass::Capacity && !run.messages.empty()) {
      const Duration each = event.service_time / static_cast<std::int64_t>(run.messages.size());
      function->service_times.observe(each);
      if (QueueState* queue = find_queue(run.queue); queue != nullptr && queue->scaler)
        queue->scaler->observe_service(each);
      refresh_summaries(*function);
    }
  }
  if (QueueState* queue = find_queue(run.queue)) queue->history.observe_work(now_, event.service_time);
  finish_run(run, event.error, event.error_key, event.failed);
  if (FunctionState* function = find_function(run.function)) {
    // A function that is always busy would keep a full machine for itself.
    if (!start_line_.empty()) ask_waiting();
    advance_breakers(*function);
    instance_free(*function);
    freeze_later(*function, run.instance);
  }
}

void Orchestrator::State::finish_run(const RunRecord& run, ErrorClass error, std::uint64_t error_key,
                                     const std::vector<MessageId>& failed) {
  QueueState* queue = find_queue(run.queue);
  FunctionState* function = find_function(run.function);
  if (queue == nullptr || function == nullptr) return;
  for (std::size_t place = 0; place < run.messages.size(); ++place) {
    const MessageId id = run.messages[place];
    const bool this_failed = error != ErrorClass::None || std::ranges::find(failed, id) != failed.end();
    const ErrorClass outcome = !this_failed                ? ErrorClass::None
                               : error == ErrorClass::None ? ErrorClass::Handler
                                                           : error;
    const std::uint64_t key = error_key != 0 ? error_key : static_cast<std::uint64_t>(outcome);
    MessageRecord* record = messages_.find(id);
    if (record == nullptr || record->holder != Holder::Run) continue;  // deleted, purged or expired meanwhile
    const bool known = place > 0 && error != ErrorClass::None;
    finish_message(*queue, *function, *record, run, place, {outcome, key, known});
  }
  if (queue->ready.available(now_)) leave_pending(*queue);
}

/// An instance of this function became idle: the mapped queues take turns at it.
void Orchestrator::State::instance_free(FunctionState& function) {
  stop_unfit(function);
  for (std::size_t n = 0; n < function.queues.size(); ++n) {
    if (function.pool.counts().free() == 0) break;
    const std::size_t index = (function.next_queue + n) % function.queues.size();
    if (QueueState* queue = find_queue(function.queues[index]);
        queue != nullptr && queue->ready.available(now_)) {
      function.next_queue = index + 1;
      serve(*queue);
    }
  }
}

void Orchestrator::State::on(const InstanceReady& event) {
  const InstanceRecord* record = instances_.find(event.instance);
  FunctionState* function = record != nullptr ? find_function(record->function) : nullptr;
  if (function == nullptr || !function->pool.ready(event.instance, now_)) return;
  function->start_failures = 0;
  function->start_allowed_at = {};
  function->start_times.observe(event.start_time);
  ++function->learnt;
  refresh_summaries(*function);
  instance_free(*function);
  freeze_later(*function, event.instance);
}

void Orchestrator::State::on(const InstanceLost& event) {
  InstanceRecord* record = instances_.find(event.instance);
  if (record == nullptr) return;
  FunctionState* function = find_function(record->function);
  timers_.cancel(*record);
  instances_.erase(event.instance);
  if (const Pool::Instance* instance = function->pool.find(event.instance); instance && instance->run) {
    const RunRecord* run = runs_.find(instance->run);
    if (run != nullptr && event.reason != LossReason::Stopped)
      learn(*function, *run, {.run = run->run, .error = ErrorClass::Crash, .failed = {}}, messages_);
  }
  const std::optional<Pool::Instance> lost = function->pool.lost(event.instance);
  if (lost) machine_.gone(lost->memory_bytes, lost->state == InstanceState::Stopping);
  if (event.reason == LossReason::StartFailed || event.reason == LossReason::StartTimeout) {
    constexpr Duration kFirst = 100ms;
    const std::uint32_t doublings = std::min<std::uint32_t>(function->start_failures++, 8);
    function->start_allowed_at = saturating_add(now_, kFirst * (1 << doublings));
  }
  if (lost && lost->run) {
    if (const RunRecord* found = runs_.find(lost->run)) {
      const RunRecord run = *found;
      runs_.erase(lost->run);
      finish_run(run, event.reason == LossReason::Stopped ? ErrorClass::Capacity : ErrorClass::Crash, 0, {});
      advance_breakers(*function);
    }
  }
  // The place goes to who has none before the lost instance's own function may take it again.
  ask_waiting();
  for (const QueueId queue_id : function->queues) {
    if (QueueState* queue = find_queue(queue_id); queue != nullptr && queue->ready.available(now_))
      leave_pending(*queue);
  }
  drop_if_unused(*function);
}

}  // namespace forewarm
