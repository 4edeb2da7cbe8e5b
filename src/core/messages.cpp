// Where each message is: ready, waiting for a time, with a receiver, with a run, in another queue, gone.

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "core/orchestrator_state.h"
#include "core/routing.h"

namespace forewarm {
namespace {

constexpr std::uint32_t kSweptPerStep = 128;
constexpr std::uint32_t kRedrivenPerStep = 64;
constexpr std::size_t kRetimedMax = 100'000;  // a tenth of a second

/// By when a message that becomes visible at `visible_at` should start.
TimePoint deadline(const QueueState& queue, TimePoint visible_at) {
  const Duration objective = queue.mapping ? queue.mapping->scaling.objective : ScalingSettings{}.objective;
  return saturating_add(visible_at, objective);
}

}  // namespace

void Orchestrator::State::on(const MessageArrived& event) {
  QueueState* queue = find_queue(event.message.queue);
  if (queue == nullptr || queue->removed) {
    actions_->push_back(
        Delete{event.message.id, DeleteReason::Expired});  // its queue went away while it was being stored
    return;
  }
  MessageRecord& record = admit(*queue, event.message);
  if (event.origin == Origin::Sent) {
    record.demand = true;
    ++queue->arrived;
    queue->arrived_bytes += record.message.bytes;
    queue->history.observe_arrival(now_, record.message.bytes, record.message.priority);
    if (queue->function != nullptr) observe_demand(*queue->function, record.message, now_);
  }
  schedule_tick(*queue);
  if (record.message.visible_at > now_) {
    const bool was_handed_out = record.message.receive_count > 0;
    // A FIFO message that was received before blocks its group until it is visible again, as it did before
    // the restart. One that is delayed only lets nobody pass: the delay may have been longer when it was
    // sent.
    if (record.message.group && was_handed_out)
      queue->ready.block_group(record.message.group, record.message.id);
    else if (record.message.group)
      queue->ready.hold_group(record.message.group, record.message.id);
    const bool receivable = !queue->mapping || queue->mapping->shared_consumers;
    if (was_handed_out && receivable) {
      keep_lease(*queue, record);
    } else {
      hold_until(*queue, record, record.message.visible_at);
    }
    return;
  }
  // It held its group until the restart, and make_ready() lets the group go.
  if (record.message.group && record.message.receive_count > 0)
    queue->ready.block_group(record.message.group, record.message.id);
  make_ready(*queue, record);
  serve(*queue);
}

MessageRecord& Orchestrator::State::admit(QueueState& queue, const Message& message) {
  MessageRecord& record = messages_.insert(message.id, MessageRecord{});
  newest_message_ = std::max(newest_message_, message.id);
  record.message = message;
  record.message.queue = queue.id;
  if (record.message.deadline == TimePoint{})
    record.message.deadline = deadline(queue, std::max(message.visible_at, message.sent));
  record.older = queue.newest;
  (queue.newest ? queue.newest->newer : queue.oldest) = &record;
  queue.newest = &record;
  ++queue.messages;
  queue.bytes += record.message.bytes;
  return record;
}

void Orchestrator::State::unlink(QueueState& queue, MessageRecord& record) {
  if (queue.sweep_until == &record) queue.sweep_until = record.older;
  (record.older ? record.older->newer : queue.oldest) = record.newer;
  (record.newer ? record.newer->older : queue.newest) = record.older;
  record.older = record.newer = nullptr;
  --queue.messages;
  queue.bytes -= record.message.bytes;
}

/// Takes the message from whoever has it; it then is nowhere and must be put somewhere.
void Orchestrator::State::take_from_holder(QueueState& queue, MessageRecord& record) {
  timers_.cancel(record);
  switch (record.holder) {
    case Holder::Nobody:
      check(queue.ready.erase(record.message), "a ready message is in its queue's order");
      return;
    case Holder::Time:
      --queue.delayed;
      return;
    case Holder::Receiver:
    case Holder::Run:
      --queue.in_flight;
      return;
  }
}

/// A FIFO group that this message was holding may go on.
void Orchestrator::State::release(QueueState& queue, const MessageRecord& record) {
  if (record.message.group && record.holder != Holder::Nobody)
    queue.ready.release_group(record.message.group, record.message.id);
}

void Orchestrator::State::forget(MessageRecord& record) {
  QueueState* queue = find_queue(record.message.queue);
  take_from_holder(*queue, record);
  release(*queue, record);
  unlink(*queue, record);
  messages_.erase(record.message.id);
}

/// Puts a message that is nowhere into the order, unless it has been received too often.
void Orchestrator::State::make_ready(QueueState& queue, MessageRecord& record) {
  if (const auto& redrive = queue.settings.redrive;
      redrive && record.attempts() >= redrive->receive_count_max) {
    QueueState* dead_letter_queue = find_queue(redrive->dead_letter_queue);
    if (dead_letter_queue != nullptr && !dead_letter_queue->removed) {
      move(record, *dead_letter_queue, MoveReason::ReceiveCount, {});
      return;
    }
  }
  const bool was_handed_out = record.message.receive_count > 0;
  record.holder = Holder::Nobody;
  record.held = false;
  record.message.visible_at = now_;
  // Were a rerun to keep its first deadline, messages that fail again and again would go before all younger
  // ones.
  if (was_handed_out) record.message.deadline = deadline(queue, now_);
  queue.ready.insert(record.message);
  // What was there before the start, or comes back from a dead-letter queue, says nothing of what will come.
  if (queue.scaler && (record.demand || was_handed_out)) queue.scaler->observe_ready(now_);
  if (record.message.group) queue.ready.release_group(record.message.group, record.message.id);
  timers_.set(record, saturating_add(record.message.sent, queue.settings.retention));
}

void Orchestrator::State::hold_until(QueueState& queue, MessageRecord& record, TimePoint when) {
  record.holder = Holder::Time;
  record.message.visible_at = when;
  ++queue.delayed;
  timers_.set(record, when);
}

/// A restart does not take a message from its receiver, whose receipt handle is still good.
void Orchestrator::State::keep_lease(QueueState& queue, MessageRecord& record) {
  record.holder = Holder::Receiver;
  ++queue.in_flight;
  timers_.set(record, record.message.visible_at);
}

/// The message has just been popped from the order; from now on it is the holder's.
void Orchestrator::State::lease(QueueState& queue, MessageRecord& record, Holder holder) {
  timers_.cancel(record);
  record.holder = holder;
  if (record.message.receive_count < UINT16_MAX) ++record.message.receive_count;
  ++queue.in_flight;
  count_first_start(queue, record);
}

void Orchestrator::State::count_first_start(QueueState& queue, MessageRecord& record) {
  if (!record.demand) return;
  record.demand = false;
  const Duration lateness = now_ - record.message.deadline;
  ++queue.started;
  if (lateness > Duration(0)) ++queue.late;
  if (queue.scaler) queue.scaler->observe_start(now_, lateness);
}

void Orchestrator::State::expire(MessageRecord& record) {
  actions_->push_back(Delete{record.message.id, DeleteReason::Expired});
  forget(record);
}

/// Takes a message that is nowhere (or anywhere) to another queue, its attempts forgotten.
void Orchestrator::State::move(MessageRecord& record, QueueState& to, MoveReason reason,
                               const RetryDecision& decision) {
  QueueState& from = *find_queue(record.message.queue);
  const bool redriven = reason == MoveReason::Redrive;
  if (!redriven) ++from.dead_letters;
  // As in the service: what is redriven is new, and so is a dead letter of a FIFO queue.
  if (redriven || to.settings.fifo) record.message.sent = now_;
  record.message.dead_letter_source = redriven ? QueueId{} : from.id;
  const int received = record.message.received_before + record.message.receive_count;
  record.message.received_before = redriven ? 0 : static_cast<std::uint16_t>(std::min(received, UINT16_MAX));
  actions_->push_back(Move{record.message.id, from.id, to.id, reason, decision, record.message.sent,
                           record.message.received_before});
  if (record.message.group) from.ready.release_group(record.message.group, record.message.id);
  unlink(from, record);
  record.message.queue = to.id;
  record.message.receive_count = 0;
  record.spared = 0;
  record.error_key = 0;
  record.failed_with = ErrorClass::None;
  record.failed_on = {};
  record.demand = false;
  if (!to.settings.fifo) record.message.group = {};
  record.older = to.newest;
  (to.newest ? to.newest->newer : to.oldest) = &record;
  to.newest = &record;
  ++to.messages;
  to.bytes += record.message.bytes;
  make_ready(to, record);
  leave_pending(to);
  leave_pending(from);
}

void Orchestrator::State::on(const ReceiveRequested& event) {
  check(!receivers_.contains(event.receiver), "a receiver's id is used once");
  ReceiverRecord& receiver = receivers_.insert(event.receiver, ReceiverRecord{});
  receiver.request = event;
  QueueState* queue = find_queue(event.queue);
  if (queue == nullptr || queue->removed) {
    answer_empty(event.receiver);
    return;
  }
  // Those who wait already come first; serve() ends with this one waiting or answered.
  queue->receivers.push_back(event.receiver);
  serve(*queue);
  if (receivers_.contains(event.receiver)) {
    if (event.wait_until <= now_) {
      std::erase(queue->receivers, event.receiver);
      answer_empty(event.receiver);
    } else {
      timers_.set(receiver, event.wait_until);
    }
  }
}

void Orchestrator::State::answer_empty(ReceiverId receiver) {
  timers_.cancel(*receivers_.find(receiver));
  receivers_.erase(receiver);
  actions_->push_back(Deliver{receiver, {}});
}

void Orchestrator::State::on(const ReceiveCancelled& event) {
  ReceiverRecord* receiver = receivers_.find(event.receiver);
  if (receiver == nullptr) return;  // it was answered at the same moment
  if (QueueState* queue = find_queue(receiver->request.queue)) std::erase(queue->receivers, event.receiver);
  timers_.cancel(*receiver);
  receivers_.erase(event.receiver);
}

/// Hands ready messages to a waiting receiver. False if there was none to hand out.
bool Orchestrator::State::deliver(QueueState& queue, ReceiverRecord& receiver) {
  Deliver action{receiver.request.receiver, {}};
  const TimePoint visible_at = saturating_add(now_, receiver.request.visibility_timeout);
  GroupId group;
  MessageId held;
  while (action.leases.size() < receiver.request.messages_max) {
    // As many of one FIFO group as there are, in their order; then the next group.
    std::optional<MessageId> id = group ? queue.ready.pop_next_of(group, held) : std::nullopt;
    if (!id) id = queue.ready.pop(now_);
    if (!id) break;
    MessageRecord& record = *messages_.find(*id);
    group = record.message.group;
    held = *id;
    lease(queue, record, Holder::Receiver);
    record.message.visible_at = visible_at;
    timers_.set(record, visible_at);
    action.leases.push_back({*id, record.message.receive_count, visible_at});
  }
  if (action.leases.empty()) return false;
  timers_.cancel(receiver);
  receivers_.erase(receiver.request.receiver);
  actions_->push_back(std::move(action));
  return true;
}

void Orchestrator::State::on(const MessageDeleted& event) {
  MessageRecord* record = messages_.find(event.message);
  if (record == nullptr || record->message.receive_count != event.receive_count) return;
  QueueState& queue = *find_queue(record->message.queue);
  actions_->push_back(Delete{event.message, DeleteReason::Client});
  forget(*record);
  serve(queue);  // a FIFO group may have been waiting for it
}

void Orchestrator::State::on(const VisibilityChanged& event) {
  MessageRecord* record = messages_.find(event.message);
  if (record == nullptr || record->message.receive_count != event.receive_count) return;
  // Without a receive it is the queue's delay that has changed.
  if (record->holder != (event.receive_count > 0 ? Holder::Receiver : Holder::Time)) return;
  QueueState& queue = *find_queue(record->message.queue);
  const TimePoint visible_at = saturating_add(now_, event.timeout);
  actions_->push_back(SetVisibility{event.message, visible_at, event.receive_count, {}});
  if (visible_at > now_) {
    record->message.visible_at = visible_at;
    timers_.set(*record, visible_at);
    return;
  }
  take_from_holder(queue, *record);
  make_ready(queue, *record);
  serve(queue);
}

/// A message's timer: its delay or retry is over, its receiver's lease ran out, or its retention did.
void Orchestrator::State::message_due(MessageRecord& record) {
  QueueState& queue = *find_queue(record.message.queue);
  const TimePoint end = saturating_add(record.message.sent, queue.settings.retention);
  if (end <= now_) {
    expire(record);
  } else if (record.holder == Holder::Nobody) {
    timers_.set(record, end);  // its queue keeps messages longer since
  } else if (!keep_held(queue, record)) {
    take_from_holder(queue, record);
    make_ready(queue, record);
  }
  serve(queue);
}

void Orchestrator::State::on(const QueueChanged& event) {
  if (QueueState* queue = find_queue(event.queue)) {
    const QueueSettings before = std::exchange(queue->settings, event.settings);
    apply_to_waiting(*queue, before);
    return;
  }
  auto queue = std::make_unique<QueueState>(event.queue, event.settings, configuration_.forecast);
  queue_index_.insert(event.queue, queue.get());
  attach_mapping(*queues_.emplace(event.queue, std::move(queue)).first->second);
}

/// What waits is too old by a shorter retention, or was received too often for a new redrive policy. The
/// oldest come first; beyond a bound messages keep what they had until they are handed out again.
void Orchestrator::State::apply_to_waiting(QueueState& queue, const QueueSettings& before) {
  const bool shorter = queue.settings.retention < before.retention;
  const auto& redrive = queue.settings.redrive;
  const bool redrives = redrive && redrive != before.redrive;
  std::size_t looks = shorter || redrives ? kRetimedMax : 0;
  std::uint32_t moves = redrives ? kRedrivenPerStep : 0;
  MessageRecord* next = queue.oldest;
  while (next != nullptr && looks-- > 0) {
    MessageRecord& record = *std::exchange(next, next->newer);
    if (record.holder != Holder::Nobody) continue;
    if (shorter) timers_.set(record, saturating_add(record.message.sent, queue.settings.retention));
    if (moves == 0 || record.attempts() < redrive->receive_count_max) continue;
    take_from_holder(queue, record);
    make_ready(queue, record);
    --moves;
  }
}

void Orchestrator::State::on(const QueuePurged& event) {
  QueueState* queue = find_queue(event.queue);
  if (queue == nullptr) return;
  actions_->push_back(Purge{event.queue, newest_message_});
  queue->sweep_until = queue->newest;
  sweep(*queue);
}

void Orchestrator::State::on(const QueueRemoved& event) {
  QueueState* queue = find_queue(event.queue);
  if (queue == nullptr) return;
  queue->removed = true;
  actions_->push_back(Purge{event.queue, newest_message_});
  while (!queue->receivers.empty()) {
    const ReceiverId receiver = queue->receivers.front();
    queue->receivers.pop_front();
    answer_empty(receiver);
  }
  queue->sweep_until = queue->newest;
  sweep(*queue);
}

/// Drops messages that the store was told to drop, a bounded number a step. Nothing is handed out meanwhile.
void Orchestrator::State::sweep(QueueState& queue) {
  for (std::uint32_t n = 0; n < kSweptPerStep && queue.sweep_until != nullptr; ++n) {
    const bool last = queue.oldest == queue.sweep_until;
    forget(*queue.oldest);
    if (last) queue.sweep_until = nullptr;
  }
  if (queue.sweep_until != nullptr) {
    leave_pending(queue);
    return;
  }
  if (!queue.removed) {
    serve(queue);
    return;
  }
  timers_.cancel(queue.tick);
  timers_.cancel(queue.batch);
  queue_index_.erase(queue.id);
  std::erase(pending_, queue.id);
  start_line_.leave(queue.id);
  for (auto& [id, function] : functions_) std::erase(function.queues, queue.id);
  queues_.erase(queue.id);
}

void Orchestrator::State::on(const RedriveRequested& event) {
  QueueState* from = find_queue(event.from);
  if (from == nullptr || event.from == event.to || (event.to && find_queue(event.to) == nullptr)) return;
  from->redrive = {event.to, event.messages_max, {}};
  redrive(*from);
}

void Orchestrator::State::on(const ChosenRedriven& event) {
  QueueState* from = find_queue(event.from);
  QueueState* to = find_queue(event.to);
  if (from == nullptr || to == nullptr || from == to || to->removed) return;
  for (const MessageId id : event.messages) {
    MessageRecord* record = messages_.find(id);
    if (record == nullptr || record->message.queue != event.from || record->holder != Holder::Nobody)
      continue;
    take_from_holder(*from, *record);
    move(*record, *to, MoveReason::Redrive, {});
  }
}

/// Where a redrive takes the message; null if that is not there.
QueueState* Orchestrator::State::redrive_target(const QueueState& queue, const MessageRecord& record) {
  QueueState* to = find_queue(queue.redrive.to ? queue.redrive.to : record.message.dead_letter_source);
  return to == nullptr || to->removed || to == &queue ? nullptr : to;
}

void Orchestrator::State::redrive(QueueState& queue) {
  for (std::uint32_t n = 0; n < kRedrivenPerStep && queue.redrive.remaining > 0; ++n) {
    const std::optional<MessageId> id = queue.ready.front(now_);
    MessageRecord* record = id ? messages_.find(*id) : nullptr;
    QueueState* to = record != nullptr ? redrive_target(queue, *record) : nullptr;
    if (to == nullptr) {
      queue.redrive = {queue.redrive.to, 0, id.value_or(MessageId{})};
      return;
    }
    --queue.redrive.remaining;
    take_from_holder(queue, *record);
    move(*record, *to, MoveReason::Redrive, {});
  }
  if (queue.redrive.remaining > 0) leave_pending(queue);
}

}  // namespace forewarm
