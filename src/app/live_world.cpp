#include "app/live_world.h"

#include <algorithm>
#include <utility>

namespace forewarm {
namespace {

/// With this many events in a row the network is looked at, so that a long input cannot deafen the server.
constexpr std::uint32_t kEventsPerPoll = 64;

TimePoint wall_clock() {
  const auto since_epoch = std::chrono::system_clock::now().time_since_epoch();
  return TimePoint(std::chrono::duration_cast<Duration>(since_epoch));
}

}  // namespace

LiveWorld::LiveWorld(Loop& loop, Store& store, Orchestrator& core, Options options, Hands hands)
    : loop_(loop),
      store_(store),
      core_(core),
      options_(options),
      hands_(std::move(hands)),
      steady_start_(Loop::Clock::now()),
      start_(std::max(wall_clock(), options.not_before)),
      last_(start_) {}

TimePoint LiveWorld::now() const {
  return start_ + std::chrono::duration_cast<Duration>(Loop::Clock::now() - steady_start_);
}

std::optional<TimedEvent> LiveWorld::next(TimePoint wake_at) {
  for (;;) {
    const bool ending = loop_.stopped() || failure_;
    const bool must_poll = ++events_since_poll_ >= kEventsPerPoll;
    if (ending || must_poll || input_.empty()) commit_gathered();
    if (ending) return std::nullopt;
    if (must_poll) {
      events_since_poll_ = 0;
      loop_.run_until(Loop::Clock::now());
    }
    last_ = std::max(last_, now());
    if (wake_at <= last_) {
      current_done_ = nullptr;
      return TimedEvent{last_, TimePassed{}};
    }
    if (!input_.empty()) {
      Input input = std::move(input_.front());
      input_.pop_front();
      current_done_ = std::move(input.done);
      return TimedEvent{last_, std::move(input.event)};
    }
    events_since_poll_ = 0;
    constexpr Duration kLongestSleep = 1h;
    loop_.run_until(Loop::Clock::now() + std::min<Duration>(wake_at - last_, kLongestSleep));
  }
}

void LiveWorld::perform(const TimedEvent& event, Actions& actions) {
  if (hands_.watch) hands_.watch(event, actions);
  if (Done done = std::exchange(current_done_, nullptr)) {
    gathered_.after->push_back(
        [done = std::move(done), copy = actions](const Result<void>& durable) { done(copy, durable); });
  }
  for (Action& action : actions) {
    if (hands_.accompany) hands_.accompany(action, last_, gathered_.writes);
    perform_one(action);
  }
}

void LiveWorld::perform_one(Action& action) {
  Effects& effects = gathered_;
  const auto synced = [&effects](Write write) {
    effects.writes.push_back(std::move(write));
    effects.durability = Durability::Synced;
  };
  const auto lease = [&effects](const Lease& leased) {
    effects.writes.push_back(UpdateMessage{leased.message, leased.receive_count, leased.visible_at});
  };
  if (auto* deliver = std::get_if<Deliver>(&action)) {
    Delivered* found = delivered_.find(deliver->receiver);
    if (found == nullptr) return;
    for (const Lease& each : deliver->leases) lease(each);
    effects.after->push_back([delivered = std::move(*found), leases = std::move(deliver->leases)](
                                 const Result<void>& recorded) { delivered(recorded, leases); });
    delivered_.erase(deliver->receiver);
  } else if (auto* run = std::get_if<Run>(&action)) {
    for (const Lease& each : run->leases) lease(each);
    effects.after->push_back([this, run = std::move(*run)](const Result<void>& recorded) {
      recorded ? hands_.run(run) : give_back(run.run);
    });
  } else if (const auto* remove = std::get_if<Delete>(&action)) {
    synced(RemoveMessage{remove->message});
  } else if (const auto* move = std::get_if<Move>(&action)) {
    synced(to_write(*move, last_));
  } else if (const auto* visibility = std::get_if<SetVisibility>(&action)) {
    effects.writes.push_back(
        UpdateMessage{visibility->message, visibility->receive_count, visibility->visible_at});
  } else if (const auto* purge = std::get_if<Purge>(&action)) {
    synced(PurgeQueue{purge->queue, purge->up_to});
  } else if (auto* fit = std::get_if<FitForecast>(&action)) {
    hands_.fit(std::move(fit->request));
  } else if (!std::holds_alternative<PublishPlan>(action)) {
    hands_.instance(action);
  }
}

/// One job for the store for many steps: a batch of deletes is one write, one callback and one way home.
void LiveWorld::commit_gathered() {
  if (gathered_.empty()) return;
  deferred_.push_back(std::exchange(gathered_, {}));
  flush_deferred();
}

/// Submits in order. What the store cannot take now stays and is tried again when a commit has come home; new
/// sends are refused meanwhile, so this cannot grow without bound. An acknowledgement without writes of its
/// own goes through the store too: what it acknowledges may rest on writes that are still on their way (a
/// message deleted twice at once).
void LiveWorld::flush_deferred() {
  while (!deferred_.empty() && !failure_) {
    Effects& effects = deferred_.front();
    const Result<void> taken = store_.submit(effects.writes, effects.durability, home(effects.after));
    if (!taken && taken.error().code == ErrorCode::Exhausted) return;
    const Effects finished = std::move(effects);
    deferred_.pop_front();
    if (taken) continue;
    failure_ = taken.error();
    for (const auto& after : *finished.after) after(taken);
  }
}

Store::Done LiveWorld::home(std::shared_ptr<const After> after) {
  return [this, after = std::move(after)](const Result<void>& committed) {
    come_home([this, after, committed] {
      // A full disk refuses this commit; a failed write or sync means that nothing can be promised any more.
      if (!committed && committed.error().code != ErrorCode::Exhausted) failure_ = committed.error();
      for (const auto& each : *after) each(committed);
      flush_deferred();
    });
  };
}

/// What cannot be recorded is not begun, and its instance is free again; not at once, since the same disk
/// would be asked for the same message as fast as it can refuse.
void LiveWorld::give_back(RunId run) {
  not_begun_.push_back(run);
  if (not_begun_.size() > 1) return;
  given_back_ = loop_.call_after(options_.room_looked_for, [this] {
    for (const RunId each : std::exchange(not_begun_, {}))
      report(RunFinished{.run = each, .error = ErrorClass::Capacity, .failed = {}});
  });
}

/// From the writer's thread to the loop's, one wake-up for all commits that gather until it runs.
void LiveWorld::come_home(std::function<void()> task) {
  {
    const std::lock_guard lock(home_mutex_);
    home_.push_back(std::move(task));
    if (home_.size() > 1) return;
  }
  loop_.post([this] {
    std::vector<std::function<void()>> tasks;
    {
      const std::lock_guard lock(home_mutex_);
      tasks.swap(home_);
    }
    for (const auto& each : tasks) each();
    loop_.wake();
  });
}

Result<void> LiveWorld::submit(Event event, Done done) {
  if (input_.size() >= options_.input_max) {
    ++refused_;
    return error(ErrorCode::Exhausted,
                 "the server has more requests waiting than it can take; try again later");
  }
  input_.push_back({std::move(event), std::move(done)});
  loop_.wake();
  return {};
}

void LiveWorld::report(Event event) {
  input_.push_back({std::move(event), nullptr});
  loop_.wake();
}

Result<void> LiveWorld::send(std::vector<StoredMessage> messages, std::vector<Write> others,
                             std::function<void(const Result<void>&)> done) {
  commit_gathered();
  if (!deferred_.empty() || input_.size() >= options_.input_max) {
    ++refused_;
    return error(ErrorCode::Exhausted,
                 "the server has more messages waiting to be stored than it can take; try again later");
  }
  std::vector<Message> arrivals;
  std::vector<Write> writes;
  arrivals.reserve(messages.size());
  writes.reserve(messages.size() + others.size());
  for (StoredMessage& message : messages) {
    arrivals.push_back(message.message);
    writes.push_back(AppendMessage{std::move(message)});
  }
  std::ranges::move(others, std::back_inserter(writes));
  auto after = std::make_shared<After>();
  after->push_back(
      [this, arrivals = std::move(arrivals), done = std::move(done)](const Result<void>& committed) {
        if (committed) {
          for (const Message& message : arrivals) report(MessageArrived{message, Origin::Sent});
        }
        done(committed);
      });
  return store_.submit(std::move(writes), Durability::Synced, home(std::move(after)));
}

Result<ReceiverId> LiveWorld::receive(ReceiveRequested request, Delivered delivered) {
  request.receiver = ReceiverId(next_receiver_++);
  delivered_.insert(request.receiver, std::move(delivered));
  const ReceiverId receiver = request.receiver;
  if (Result<void> taken = submit(request, nullptr); !taken) {
    delivered_.erase(receiver);
    return std::unexpected(taken.error());
  }
  return receiver;
}

void LiveWorld::cancel(ReceiverId receiver) {
  // Its answer stays registered until the core has taken this: it may have leased messages to it already.
  if (!delivered_.contains(receiver)) return;
  input_.push_back({ReceiveCancelled{receiver},
                    [this, receiver](const Actions&, const Result<void>&) { delivered_.erase(receiver); }});
  loop_.wake();
}

}  // namespace forewarm
