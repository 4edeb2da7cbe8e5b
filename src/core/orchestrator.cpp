#include "core/orchestrator.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "core/orchestrator_state.h"
#include "core/scale/order.h"

namespace forewarm {
namespace {

constexpr int kTimersPerStep = 32;

}  // namespace

QueueState::QueueState(QueueId queue, const QueueSettings& queue_settings, const ForecastSettings& forecast)
    : id(queue),
      settings(queue_settings),
      ready(ReadyOrder::Options{.fifo = queue_settings.fifo}),
      history(forecast.step, forecast.history),
      tick(TimerKind::Tick, *this),
      batch(TimerKind::Batch, *this) {}

Orchestrator::State::State(Options options) : options_(std::move(options)) {
  if (!options_.make_scaler) {
    options_.make_scaler = [](const MappingSettings& mapping) {
      return make_predictive_scaler(mapping.scaling);
    };
  }
}

void Orchestrator::State::step(TimePoint now, const Event& event, Actions& actions) {
  check(now >= now_, "time does not go back");
  now_ = now;
  actions_ = &actions;
  ++events_;
  std::visit([this](const auto& e) { on(e); }, event);
  actions_ = nullptr;
}

TimePoint Orchestrator::State::wake_at() const {
  return pending_.empty() ? timers_.next() : now_;
}

QueueState* Orchestrator::State::find_queue(QueueId id) {
  QueueState** found = queue_index_.find(id);
  return found != nullptr ? *found : nullptr;
}

FunctionState* Orchestrator::State::find_function(FunctionId id) {
  FunctionState** found = function_index_.find(id);
  return found != nullptr ? *found : nullptr;
}

/// The queue has work left that did not fit into this step.
void Orchestrator::State::leave_pending(QueueState& queue) {
  if (std::exchange(queue.has_pending_work, true)) return;
  pending_.push_back(queue.id);
}

void Orchestrator::State::continue_pending() {
  QueueState* queue = find_queue(pending_.front());
  pending_.pop_front();
  queue->has_pending_work = false;
  if (queue->sweep_until != nullptr) {
    sweep(*queue);
    return;
  }
  if (queue->redrive.remaining > 0) redrive(*queue);
  serve(*queue);
}

void Orchestrator::State::on(const TimePassed&) {
  if (!pending_.empty()) {
    continue_pending();
    return;
  }
  for (int n = 0; n < kTimersPerStep; ++n) {
    Timed* due = timers_.take_due(now_);
    if (due == nullptr) return;
    switch (due->kind) {
      case TimerKind::Message:
        message_due(*static_cast<MessageRecord*>(due));
        break;
      case TimerKind::Receiver: {
        const ReceiveRequested request = static_cast<ReceiverRecord*>(due)->request;
        if (QueueState* queue = find_queue(request.queue)) std::erase(queue->receivers, request.receiver);
        answer_empty(request.receiver);
        break;
      }
      case TimerKind::Tick:
        tick(*static_cast<TimerOf<QueueState>*>(due)->owner);
        return;  // a step decides at most one queue
      case TimerKind::SignalNews:
        spread_signal_news();
        return;
      case TimerKind::Starts:
        ask_waiting();
        return;
      case TimerKind::Breakers:
        breakers_due();
        return;
      case TimerKind::Batch:
        serve(*static_cast<TimerOf<QueueState>*>(due)->owner);
        break;
      case TimerKind::Freeze:
        freeze(*static_cast<InstanceRecord*>(due));
        break;
    }
  }
}

Orchestrator::Orchestrator(Options options) : state_(std::make_unique<State>(std::move(options))) {}
Orchestrator::~Orchestrator() = default;

void Orchestrator::step(TimePoint now, const Event& event, Actions& actions) {
  state_->step(now, event, actions);
}

TimePoint Orchestrator::wake_at() const {
  return state_->wake_at();
}

std::uint64_t Orchestrator::events() const {
  return state_->events();
}

bool Orchestrator::exists(MessageId message) const {
  return state_->find_message(message) != nullptr;
}

QueueId Orchestrator::queue_of(MessageId message) const {
  const MessageRecord* record = state_->find_message(message);
  return record == nullptr ? QueueId{} : record->message.queue;
}

const Message* Orchestrator::message(MessageId message) const {
  const MessageRecord* record = state_->find_message(message);
  return record == nullptr ? nullptr : &record->message;
}

bool Orchestrator::is_current(MessageId message, std::uint16_t receive_count) const {
  const MessageRecord* record = state_->find_message(message);
  return record != nullptr && record->message.receive_count == receive_count;
}

bool Orchestrator::in_flight(MessageId message) const {
  const MessageRecord* record = state_->find_message(message);
  return record != nullptr && (record->holder == Holder::Receiver || record->holder == Holder::Run);
}

std::vector<MessageView> Orchestrator::messages(QueueId id, std::size_t limit) const {
  std::vector<MessageView> views;
  const QueueState* queue = state_->find_queue(id);
  const MessageRecord* record = queue != nullptr ? queue->oldest : nullptr;
  for (; record != nullptr && views.size() < limit; record = record->newer) {
    const MessageState state = record->holder == Holder::Nobody     ? MessageState::Ready
                               : record->holder == Holder::Time     ? MessageState::Delayed
                               : record->holder == Holder::Receiver ? MessageState::InFlight
                                                                    : MessageState::Running;
    views.push_back({record->message, state});
  }
  return views;
}

std::vector<MessageId> Orchestrator::delayed(QueueId id, std::size_t limit) const {
  std::vector<MessageId> ids;
  const QueueState* queue = state_->find_queue(id);
  if (queue == nullptr) return ids;
  std::uint64_t left = queue->delayed;
  // The latest are the delayed ones, so that is where to look.
  for (const MessageRecord* record = queue->newest; record != nullptr && left > 0; record = record->older) {
    if (record->holder != Holder::Time) continue;
    --left;
    if (record->message.receive_count == 0) ids.push_back(record->message.id);
  }
  std::ranges::reverse(ids);
  ids.resize(std::min(ids.size(), limit));
  return ids;
}

QueueView Orchestrator::queue(QueueId id) const {
  QueueView view;
  const QueueState* queue = state_->find_queue(id);
  if (queue == nullptr) return view;
  view.redrive = queue->redrive;
  view.ready = queue->ready.size();
  view.delayed = queue->delayed;
  view.in_flight = queue->in_flight;
  if (queue->oldest != nullptr) view.oldest_sent = queue->oldest->message.sent;
  view.messages = queue->messages;
  view.bytes = queue->bytes;
  view.paused = queue->paused;
  view.arrived = queue->arrived;
  view.arrived_bytes = queue->arrived_bytes;
  view.started = queue->started;
  view.late = queue->late;
  view.retries = queue->retries;
  view.dead_letters = queue->dead_letters;
  if (queue->history.closed() > 0) {
    view.step_start = queue->history.open_start() - queue->history.step();
    view.arrivals_last_step = queue->history.closed_at(0).arrivals;
  }
  view.choice = &queue->choice;
  view.history = &queue->history;
  view.forecast = queue->choice.best(state_->now());
  view.plan = queue->plan;
  view.order = order_at(queue->order, state_->now());
  return view;
}

DirectiveCourse Orchestrator::directives(QueueId id, const ActuatorModel& actuator,
                                         const std::optional<TierPrices>& prices) const {
  return state_->directives(id, actuator, prices);
}

std::optional<QueueMemory> Orchestrator::queue_memory(QueueId id) const {
  const QueueState* queue = state_->find_queue(id);
  if (queue == nullptr || !queue->scaler) return std::nullopt;
  QueueMemory memory{.scaler = queue->scaler->memory(state_->now()),
                     .choice = queue->choice.memory(queue->history.step())};
  if (!memory.scaler && memory.choice.scored == 0) return std::nullopt;
  return memory;
}

FunctionView Orchestrator::function(FunctionId id) const {
  FunctionView view;
  const FunctionState* function = state_->find_function(id);
  if (function == nullptr) return view;
  view.instances = function->pool.counts();
  view.cold_starts = function->cold_starts;
  view.warm_starts = function->warm_starts;
  view.start_time = function->start_summary;
  view.service_time = function->service_summary;
  view.memory_need_bytes = function->service_model.memory().most_needed().high_bytes;
  view.memory_measured = function->service_model.memory().measured();
  return view;
}

}  // namespace forewarm
