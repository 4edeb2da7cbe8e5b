#include "app/remote_pool.h"

#include <algorithm>
#include <random>
#include <utility>
#include <vector>

#include "base/check.h"

namespace forewarm {
namespace {

using namespace std::chrono_literals;

// A run on which the platform stumbles this often, while it answers others, is what it stumbles over.
constexpr std::uint32_t kStumblesMax = 5;
constexpr std::chrono::minutes kWarnEvery{1};

std::chrono::microseconds micros(Loop::Clock::duration time) {
  return std::chrono::duration_cast<std::chrono::microseconds>(time);
}

ErrorClass class_of(RemoteEnd end) {
  switch (end) {
    case RemoteEnd::Succeeded:
      return ErrorClass::None;
    case RemoteEnd::Failed:
      return ErrorClass::Handler;
    case RemoteEnd::TimedOut:
      return ErrorClass::Timeout;
    case RemoteEnd::Crashed:
      return ErrorClass::Crash;
    case RemoteEnd::Throttled:
    case RemoteEnd::Unavailable:
    case RemoteEnd::Refused:
      break;
  }
  return ErrorClass::Capacity;
}

/// The core holds that the process is gone after these, and waits to hear it.
std::optional<LossReason> loss_after(ErrorClass error) {
  if (error == ErrorClass::Timeout) return LossReason::Killed;
  if (error == ErrorClass::Crash) return LossReason::Crashed;
  return std::nullopt;
}

}  // namespace

RemotePool::RemotePool(Loop& loop, Options options, std::function<void(PoolEvent)> report)
    : loop_(loop), options_(std::move(options)), report_(std::move(report)) {}

RemotePool::~RemotePool() = default;

void RemotePool::define(FunctionId function, const FunctionConfig& config) {
  const auto found = places_.find(function);
  if (found != places_.end() && found->second->config == config) return;
  auto place = std::make_shared<Place>(function, config, std::random_device{}());
  auto made = options_.make(config);
  if (made)
    place->function = std::move(*made);
  else
    place->fault = made.error().message;
  if (found != places_.end()) {
    found->second->replaced = true;
    later([this, old = found->second] { pump(old); });
  }
  places_.insert_or_assign(function, std::move(place));
}

void RemotePool::start(InstanceId id, FunctionId function, std::uint16_t) {
  const auto found = places_.find(function);
  check(found != places_.end(), "a function is defined before it is started");
  if (!found->second->fault.empty())
    return later([this, id, fault = found->second->fault] { lose(id, LossReason::StartFailed, fault); });
  slots_.insert_or_assign(id, Slot{.place = found->second});
  later([this, id] {
    if (slots_.contains(id)) report_(PoolReady{.instance = id});
  });
}

void RemotePool::run(InstanceId id, Invocation invocation) {
  const auto slot = slots_.find(id);
  if (slot == slots_.end() || slot->second.stopping) {
    return later([this, id, run = invocation.run] {
      report_(PoolFinished{.instance = id,
                           .run = run,
                           .error = ErrorClass::Capacity,
                           .error_type = "Instance.NotReady",
                           .error_message = "the instance is gone"});
    });
  }
  check(slot->second.run == RunId(), "a slot has one run at a time");
  slot->second.run = invocation.run;
  const std::shared_ptr<Place> place = slot->second.place;
  HeldRun held{.instance = id, .place = place};
  held.call = {.request_id = std::move(invocation.request_id),
               .payload = std::move(invocation.payload),
               .headers = std::move(invocation.headers),
               .trace_header = std::move(invocation.trace_header)};
  held.call.timeout = std::chrono::duration_cast<std::chrono::milliseconds>(place->config.timeout);
  held.since = Clock::now();
  held.refusal = {.instance = id,
                  .run = invocation.run,
                  .error = ErrorClass::Capacity,
                  .error_type = "Remote.NoRoom",
                  .error_message = "as many invocations are under way as the function takes"};
  check(runs_.emplace(invocation.run, std::move(held)).second, "a run is begun once");
  place->waiting.push_back(invocation.run);
  later([this, place] { pump(place); });
}

void RemotePool::stop(InstanceId id) {
  const auto slot = slots_.find(id);
  if (slot == slots_.end()) return;
  if (std::exchange(slot->second.stopping, true)) return;
  if (slot->second.run == RunId()) later([this, id] { lose(id, LossReason::Stopped, ""); });
}

void RemotePool::give_back() {
  ending_ = true;
  for (auto& [function, place] : places_) later([this, place] { pump(place); });
}

std::array<std::uint64_t, 3> RemotePool::not_taken(FunctionId function) const {
  const auto found = not_taken_.find(function);
  return found != not_taken_.end() ? found->second : std::array<std::uint64_t, 3>{};
}

void RemotePool::later(std::function<void()> task) {
  loop_.post([task = std::move(task), alive = std::weak_ptr(alive_)] {
    if (alive.lock()) task();
  });
}

/// Begins what the gate lets through, gives back what has waited too long, and looks again when either is
/// due.
void RemotePool::pump(const std::shared_ptr<Place>& place) {
  const auto now = Clock::now();
  std::vector<PoolFinished> back;
  std::erase_if(place->waiting, [&](RunId id) {
    const HeldRun& run = runs_.at(id);
    const bool goes_back = ending_ || place->replaced || now >= run.since + options_.hold_most;
    if (goes_back) back.push_back(run.refusal);
    return goes_back;
  });
  for (PoolFinished& one : back) {
    const RunId run = one.run;
    finish(run, std::move(one));
  }
  while (!place->waiting.empty() && place->gate.is_open(now)) {
    const RunId id = place->waiting.front();
    place->waiting.pop_front();
    invoke(id, runs_.at(id));
  }
  place->timer.reset();
  if (place->waiting.empty()) return;
  auto due = Clock::time_point::max();
  for (const RunId id : place->waiting) due = std::min(due, runs_.at(id).since + options_.hold_most);
  if (place->gate.closed_until() > now) due = std::min(due, place->gate.closed_until());
  place->timer = loop_.call_at(std::max(due, now + 1ms), [this, weak = std::weak_ptr(place)] {
    if (const auto still = weak.lock()) pump(still);
  });
}

void RemotePool::invoke(RunId id, HeldRun& run) {
  run.begun = Clock::now();
  run.place->gate.begin();
  run.place->function->invoke(run.call, [this, id, alive = std::weak_ptr(alive_)](RemoteOutcome outcome) {
    loop_.post([this, id, alive, outcome = std::move(outcome)] {
      if (alive.lock()) returned(id, outcome);
    });
  });
}

void RemotePool::returned(RunId id, RemoteOutcome outcome) {
  const auto found = runs_.find(id);
  check(found != runs_.end(), "a run stays until it has an outcome");
  HeldRun& run = found->second;
  const auto now = Clock::now();
  const std::shared_ptr<Place> place = run.place;
  const ErrorClass error = class_of(outcome.end);
  if (error == ErrorClass::Capacity) {
    place->gate.refused(now, run.begun, outcome.wait);
    not_taken(id, run, std::move(outcome));
  } else {
    place->gate.answered(now);
    ++place->answers;
    finish(id,
           {.instance = run.instance,
            .run = id,
            .error = error,
            .error_type = std::move(outcome.error_type),
            .error_message = std::move(outcome.error_message),
            .response = std::move(outcome.response),
            .service_time = micros(now - run.begun)},
           loss_after(error));
  }
  pump(place);
}

void RemotePool::not_taken(RunId id, HeldRun& run, RemoteOutcome outcome) {
  Place& place = *run.place;
  warn(place, outcome);
  ++not_taken_[place.id]
              [static_cast<std::size_t>(outcome.end) - static_cast<std::size_t>(RemoteEnd::Throttled)];
  run.refusal.error_type = std::move(outcome.error_type);
  run.refusal.error_message = std::move(outcome.error_message);
  if (outcome.end == RemoteEnd::Unavailable) {
    if (run.stumbles++ == 0) run.answers_before = place.answers;
    if (run.stumbles >= kStumblesMax && place.answers >= run.answers_before + kStumblesMax) {
      run.refusal.error = ErrorClass::Handler;
      return finish(id, run.refusal);
    }
  }
  // A run on which the platform stumbles must not keep the others from it; one that is throttled keeps its
  // turn.
  if (outcome.end == RemoteEnd::Unavailable)
    place.waiting.push_back(id);
  else
    place.waiting.push_front(id);
}

void RemotePool::finish(RunId id, PoolFinished finished, std::optional<LossReason> loss) {
  const InstanceId instance = finished.instance;
  const std::string detail = finished.error_type + ": " + finished.error_message;
  runs_.erase(id);
  Slot& slot = slots_.at(instance);
  slot.run = RunId();
  const bool stopping = slot.stopping;
  report_(std::move(finished));
  if (loss)
    lose(instance, *loss, detail);
  else if (stopping)
    lose(instance, LossReason::Stopped, "");
}

void RemotePool::lose(InstanceId id, LossReason reason, std::string detail) {
  if (slots_.erase(id) == 0 && reason != LossReason::StartFailed) return;
  report_(PoolLost{.instance = id, .reason = reason, .detail = std::move(detail)});
}

/// When it begins, and now and then while it lasts.
void RemotePool::warn(Place& place, const RemoteOutcome& outcome) {
  const auto now = Clock::now();
  if (place.warned_at && now < *place.warned_at + kWarnEvery) return;
  place.warned_at = now;
  options_.warn("function '" + place.config.name + "' is not taken where it runs; its messages wait (" +
                outcome.error_type + ": " + outcome.error_message + ")");
}

}  // namespace forewarm
