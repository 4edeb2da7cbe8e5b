#include "sim/simulated_world.h"

#include <algorithm>
#include <functional>
#include <utility>

#include "base/check.h"
#include "core/forecast/ensemble/fit.h"

namespace forewarm {
namespace {

// Streams of the world's one seed.
constexpr std::uint64_t kFaults = 0xfa017;
constexpr std::uint64_t kClients = 0xc11e;
constexpr std::uint64_t kTimes = 0x71e5;
// What a drawn time belongs to.
constexpr std::uint64_t kService = 1ULL << 62;
constexpr std::uint64_t kStartTimes = 2ULL << 62;

constexpr Duration kRefusedAfter = 5ms;
constexpr Duration kReapedAfter = 5ms;
constexpr Duration kStartTimeout = 10s;
constexpr std::uint32_t kIdleWakesMax = 10'000'000;

}  // namespace

Duration drawn_service_time(std::uint64_t seed, const SimulatedQueue& queue, MessageId message) {
  Random random = Random(mix_bits(seed ^ kTimes)).fork(kService + message.value());
  return queue.service_time.draw(random);
}

SimulatedWorld::SimulatedWorld(SimulationOptions options, ArrivalSource& arrivals)
    : options_(std::move(options)),
      arrivals_(arrivals),
      faults_(options_.faults, mix_bits(options_.seed ^ kFaults)),
      clients_(mix_bits(options_.seed ^ kClients)),
      times_(mix_bits(options_.seed ^ kTimes)),
      now_(options_.start),
      end_(options_.start + options_.length + options_.settle) {
  if (!options_.fit) {
    options_.fit = [fitter = std::make_shared<Fitter>()](const FitRequest& request) {
      return fitter->fit(request);
    };
  }
  script_.push_back({now_, ConfigurationChanged{options_.configuration}});
  for (const SimulatedQueue& queue : options_.queues) {
    script_.push_back({now_, QueueChanged{queue.id, queue.settings}});
    clients_.add(queue.id, queue.clients, now_, scratch_);
  }
  set_functions(options_.configuration);
  script_.insert(script_.end(), options_.script.begin(), options_.script.end());
  started_.resize(options_.queues.size());
  check(std::ranges::is_sorted(script_, {}, &TimedEvent::time), "a script's events ascend in time");
  push(std::exchange(scratch_, {}));
  next_arrival_ = arrivals_.next();
  schedule_jump();
}

void SimulatedWorld::set_functions(const Configuration& configuration) {
  functions_ = configuration.functions;
  std::ranges::sort(functions_, {}, &FunctionSettings::id);
}

const FunctionSettings* SimulatedWorld::function(FunctionId id) const {
  const auto found = std::ranges::lower_bound(functions_, id, {}, &FunctionSettings::id);
  return found != functions_.end() && found->id == id ? &*found : nullptr;
}

double SimulatedWorld::progress() const {
  const double whole = seconds(end_ - options_.start);
  return whole <= 0 ? 1 : std::min(1.0, seconds(now_ - options_.start) / whole);
}

std::optional<TimedEvent> SimulatedWorld::next(TimePoint wake_at) {
  for (;;) {
    if (next_arrival_ && next_arrival_->at > options_.length) next_arrival_.reset();
    const TimePoint arrival = next_arrival_ ? options_.start + next_arrival_->at : kNever;
    const TimePoint scripted = next_scripted_ < script_.size() ? script_[next_scripted_].time : kNever;
    const TimePoint pending = heap_.empty() ? kNever : heap_.front().at;
    const TimePoint first = std::min({arrival, scripted, pending});
    if (std::min(first, wake_at) > end_) return std::nullopt;
    if (wake_at < first) {
      idle_wakes_ = wake_at > now_ ? 0 : idle_wakes_ + 1;
      check(idle_wakes_ < kIdleWakesMax, "the core does not ask to be woken for ever at the same moment");
      now_ = std::max(now_, wake_at);
      return TimedEvent{now_, TimePassed{}};
    }
    idle_wakes_ = 0;
    now_ = std::max(now_, first);
    if (first == scripted) {
      Event event = script_[next_scripted_++].event;
      if (const auto* changed = std::get_if<ConfigurationChanged>(&event))
        set_functions(changed->configuration);
      return TimedEvent{now_, std::move(event)};
    }
    if (first == arrival) {
      const Arrival arrived = *next_arrival_;
      next_arrival_ = arrivals_.next();
      return TimedEvent{now_, arrive(arrived)};
    }
    if (std::optional<Event> event = make_event(pop())) return TimedEvent{now_, std::move(*event)};
  }
}

void SimulatedWorld::perform(const TimedEvent& event, const Actions& actions) {
  for (Watcher* watcher : watchers_) watcher->observe(event, actions);
  for (const Action& action : actions) std::visit([this](const auto& a) { on(a); }, action);
  if (!scratch_.empty()) {
    push(scratch_);
    scratch_.clear();
  }
}

void SimulatedWorld::push(TimePoint at, Kind kind, std::uint64_t id, LossReason reason) {
  heap_.push_back({.at = at, .order = order_++, .id = id, .kind = kind, .reason = reason});
  std::ranges::push_heap(heap_, std::greater{});
}

void SimulatedWorld::push(const std::vector<ClientStep>& steps) {
  for (const ClientStep& step : steps) {
    const ClientStepId id(next_client_step_++);
    client_steps_.insert(id, step);
    push(step.at, Kind::Client, id.value());
  }
}

SimulatedWorld::Pending SimulatedWorld::pop() {
  std::ranges::pop_heap(heap_, std::greater{});
  const Pending pending = heap_.back();
  heap_.pop_back();
  return pending;
}

/// Nothing where it no longer applies.
std::optional<Event> SimulatedWorld::make_event(const Pending& pending) {
  switch (pending.kind) {
    case Kind::Ready:
      return ready(InstanceId(pending.id));
    case Kind::Lost:
      return lost(InstanceId(pending.id), pending.reason);
    case Kind::RunEnds:
      return run_ends(RunId(pending.id));
    case Kind::IdleCrash: {
      const Instance* instance = instances_.find(InstanceId(pending.id));
      if (instance == nullptr || instance->run || instance->going) return std::nullopt;
      return lost(InstanceId(pending.id), LossReason::Crashed);
    }
    case Kind::Fitted:
      return fitted(pending.id);
    case Kind::Client: {
      const ClientStep step = *client_steps_.find(ClientStepId(pending.id));
      client_steps_.erase(ClientStepId(pending.id));
      std::optional<Event> event = clients_.take(step, now_, scratch_);
      push(std::exchange(scratch_, {}));
      return event;
    }
    case Kind::Jump:
      now_ += Duration(static_cast<std::int64_t>(pending.id));
      schedule_jump();
      return std::nullopt;
  }
  return std::nullopt;
}

std::optional<Event> SimulatedWorld::ready(InstanceId id) {
  Instance* instance = instances_.find(id);
  if (instance == nullptr || instance->going) return std::nullopt;
  instance->ready = true;
  if (const auto life = faults_.life(id.value())) push(now_ + *life, Kind::IdleCrash, id.value());
  return InstanceReady{id, now_ - instance->asked};
}

std::optional<Event> SimulatedWorld::lost(InstanceId id, LossReason reason) {
  const Instance* instance = instances_.find(id);
  if (instance == nullptr) return std::nullopt;
  if (instance->run) runs_.erase(instance->run);
  instances_.erase(id);
  return InstanceLost{id, reason};
}

std::optional<Event> SimulatedWorld::run_ends(RunId id) {
  RunState* run = runs_.find(id);
  if (run == nullptr) return std::nullopt;
  RunFinished outcome = std::move(run->outcome);
  Instance* instance = instances_.find(run->instance);
  instance->run = {};
  // As with real processes: the run's report comes first, the process tree is gone a moment later.
  if (outcome.error == ErrorClass::Crash || outcome.error == ErrorClass::Timeout) {
    instance->going = true;
    const bool crash = outcome.error == ErrorClass::Crash;
    push(now_ + kReapedAfter, Kind::Lost, run->instance.value(),
         crash ? LossReason::Crashed : LossReason::Killed);
  }
  runs_.erase(id);
  return outcome;
}

std::optional<Event> SimulatedWorld::fitted(std::uint64_t id) {
  const FitRequest request = std::move(*fits_.find(FitId(id)));
  fits_.erase(FitId(id));
  if (faults_.fit_fails(id)) return ForecastFitted{request.queue, request.serial, {}};
  return options_.fit(request);
}

Event SimulatedWorld::arrive(const Arrival& arrival) {
  const SimulatedQueue& queue = options_.queues[arrival.queue];
  MessageArrived event;
  event.message.id = MessageId(next_message_++);
  event.message.queue = queue.id;
  const auto ordinal = static_cast<std::size_t>(event.message.id.value() - 1);
  const bool measured = ordinal < options_.accept_times.size();
  event.message.sent = now_ - (measured ? options_.accept_times[ordinal] : Duration(0));
  event.message.visible_at = event.message.sent + arrival.delay;
  event.message.tenant = arrival.tenant;
  if (queue.settings.fifo) event.message.group = arrival.group;
  event.message.bytes = arrival.bytes;
  event.message.priority = arrival.priority;
  event.message.type = arrival.type;
  if (arrival.objective >= Duration(0)) event.message.deadline = event.message.visible_at + arrival.objective;

  Stored stored{.queue = arrival.queue,
                .service_time = arrival.service_time,
                .bytes = arrival.bytes,
                .type = arrival.type};
  if (stored.service_time < Duration(0))
    stored.service_time = drawn_service_time(options_.seed, queue, event.message.id);
  stored.poison = faults_.poison(event.message.id);
  stored_.insert(event.message.id, stored);
  return event;
}

void SimulatedWorld::on(const Deliver& action) {
  clients_.delivered(action, now_, scratch_);
}

Duration SimulatedWorld::start_time(const StartInstance& action) {
  const auto queue = static_cast<std::size_t>(
      std::ranges::find(options_.queues, action.queue, &SimulatedQueue::id) - options_.queues.begin());
  if (queue < options_.first_starts.size()) {
    const std::size_t place = started_[queue]++;
    if (place < options_.first_starts[queue].size()) return options_.first_starts[queue][place];
  }
  Random random = times_.fork(kStartTimes + action.instance.value());
  return options_.start_time.draw(random);
}

void SimulatedWorld::on(const StartInstance& action) {
  instances_.insert(action.instance, {.asked = now_, .variant = action.variant});
  const std::uint64_t ordinal = action.instance.value();
  const Duration takes = start_time(action);
  switch (faults_.start(ordinal)) {
    case StartFault::None:
      push(now_ + takes, Kind::Ready, ordinal);
      return;
    case StartFault::Fails:
      push(now_ + takes, Kind::Lost, ordinal, LossReason::StartFailed);
      return;
    case StartFault::TimesOut:
      push(now_ + kStartTimeout, Kind::Lost, ordinal, LossReason::StartTimeout);
      return;
  }
}

void SimulatedWorld::on(const StopInstance& action) {
  Instance* instance = instances_.find(action.instance);
  if (instance == nullptr || instance->going) return;  // it is on its way already
  check(!instance->frozen, "a frozen instance is thawed before it is stopped");
  instance->going = true;
  push(now_ + options_.stop_time, Kind::Lost, action.instance.value());
}

void SimulatedWorld::on(const FreezeInstance& action) {
  Instance* instance = instances_.find(action.instance);
  check(instance != nullptr && instance->ready && !instance->run, "only an idle instance is frozen");
  instance->frozen = true;
}

void SimulatedWorld::on(const ThawInstance& action) {
  Instance* instance = instances_.find(action.instance);
  check(instance != nullptr && instance->frozen, "only a frozen instance is thawed");
  instance->frozen = false;
}

void SimulatedWorld::on(const Run& action) {
  Instance* instance = instances_.find(action.instance);
  check(instance != nullptr && instance->ready, "a run is given to an instance that is there");
  check(!instance->frozen, "a run is given to an instance that is not frozen");
  check(!instance->run, "an instance works on one run at a time");
  instance->run = action.run;
  RunState& run = runs_.insert(action.run, {action.instance, outcome(action, instance->variant)});
  if (instance->going) return;  // nobody takes it; the coming InstanceLost ends it
  const Duration takes = run.outcome.service_time;
  if (faults_.run(action.run) == RunFault::Lost) {
    push(now_ + takes / 2, Kind::Lost, action.instance.value(), LossReason::Killed);
    return;
  }
  push(now_ + takes, Kind::RunEnds, action.run.value());
}

/// How the run will end, decided when it begins.
RunFinished SimulatedWorld::outcome(const Run& run, std::uint16_t variant) const {
  RunFinished out{.run = run.run, .failed = {}};
  std::optional<ErrorClass> incident;
  for (const Lease& lease : run.leases) {
    const Stored* stored = stored_.find(lease.message);
    if (stored == nullptr) continue;
    const SimulatedWork work{.service_time = stored->service_time,
                             .bytes = stored->bytes,
                             .type = stored->type,
                             .variant = variant,
                             .instance = run.instance,
                             .at = now_};
    out.service_time += options_.work_time ? options_.work_time(work) : stored->service_time;
    if (options_.memory_need) out.memory_bytes = std::max(out.memory_bytes, options_.memory_need(work));
    if (const auto met =
            options_.faults.incident ? options_.faults.incident(lease.message, now_) : std::nullopt) {
      out.failed.push_back(lease.message);
      out.error_key = met->fingerprint;
      if (met->after > Duration(0)) out.service_time += met->after - stored->service_time;
      if (met->error != ErrorClass::Handler) incident = met->error;
      continue;
    }
    if (stored->poison || faults_.handler_fails(lease.message, lease.receive_count)) {
      out.failed.push_back(lease.message);
      out.error_key = stored->poison ? 666 : 1;
    }
  }
  out.service_time = from_seconds(seconds(out.service_time) * faults_.slowness(run.run));
  if (out.failed.size() == run.leases.size() && !out.failed.empty()) {
    out.failed.clear();
    out.error = ErrorClass::Handler;
  }
  if (incident) {
    out.failed.clear();
    out.error = *incident;
  }
  switch (faults_.run(run.run)) {
    case RunFault::Capacity:
      out = {.run = run.run, .error = ErrorClass::Capacity, .service_time = kRefusedAfter, .failed = {}};
      break;
    case RunFault::Crash:
      out = {.run = run.run, .error = ErrorClass::Crash, .service_time = out.service_time / 2, .failed = {}};
      break;
    case RunFault::None:
    case RunFault::Lost:
      break;
  }
  limit(run, variant, out);
  return out;
}

/// What its function's limits make of a run.
void SimulatedWorld::limit(const Run& run, std::uint16_t variant, RunFinished& outcome) const {
  const FunctionSettings* limits = function(run.function);
  if (limits == nullptr) return;
  if (variant < limits->variants.size() && outcome.memory_bytes > limits->variants[variant].memory_bytes) {
    outcome = {
        .run = run.run, .error = ErrorClass::Crash, .service_time = outcome.service_time / 2, .failed = {}};
  }
  if (!options_.memory_measured) outcome.memory_bytes = 0;
  if (outcome.service_time > limits->timeout)
    outcome = {.run = run.run, .error = ErrorClass::Timeout, .service_time = limits->timeout, .failed = {}};
}

void SimulatedWorld::on(const FitForecast& action) {
  const std::uint64_t id = next_fit_++;
  if (faults_.fit_lost(id)) return;
  fits_.insert(FitId(id), action.request);
  push(now_ + options_.fit_latency, Kind::Fitted, id);
}

void SimulatedWorld::schedule_jump() {
  if (const auto jump = faults_.jump(jumps_++)) {
    push(now_ + jump->after, Kind::Jump, static_cast<std::uint64_t>(jump->length.count()));
  }
}

}  // namespace forewarm
