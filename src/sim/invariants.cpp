#include "sim/invariants.h"

#include <algorithm>

namespace forewarm {
Invariants::Invariants(const Options& options) : options_(options) {}

void Invariants::fail(const char* invariant, const std::string& what) {
  if (violations_.size() >= options_.violations_max) return;
  violations_.push_back(std::string(invariant) + " at step " + std::to_string(step_) + ", " +
                        std::to_string(count_us(now_)) + " us: " + what);
}

void Invariants::observe(const TimedEvent& event, const Actions& actions) {
  ++step_;
  if (event.time < now_) fail("time", "goes back");
  now_ = event.time;
  std::visit([this](const auto& e) { on(e); }, event.event);
  for (const Action& action : actions) std::visit([this](const auto& a) { on(a); }, action);
  check_fates();
  check_staffing();
}

void Invariants::on(const ConfigurationChanged& event) {
  configuration_ = event.configuration;
}

void Invariants::on(const QueueChanged& event) {
  queues_[event.queue] = event.settings;
}

void Invariants::on(const MessageArrived& event) {
  const Message& message = event.message;
  if (!queues_.contains(message.queue)) return;
  Stored stored{.queue = message.queue,
                .group = queues_[message.queue].fifo ? message.group : GroupId{},
                .sent = message.sent,
                .visible_at = std::max(message.visible_at, now_),
                .receive_count = message.receive_count,
                .failed_on = {}};
  if (stored.group) groups_[{stored.queue, stored.group}].insert(message.id);
  if (!messages_.emplace(message.id, stored).second)
    fail("I1", name("message", message.id) + " arrives twice");
  ++waiting_[message.queue];
}

void Invariants::on(const ReceiveRequested& event) {
  receivers_[event.receiver] = {event.queue, event.messages_max, event.visibility_timeout};
}

void Invariants::on(const ReceiveCancelled& event) {
  receivers_.erase(event.receiver);
}

void Invariants::on(const MessageDeleted& event) {
  const auto found = messages_.find(event.message);
  if (found == messages_.end() || found->second.receive_count != event.receive_count) return;
  if (event.receive_count > 0) must_delete_.insert(event.message);
}

void Invariants::on(const RunFinished& event) {
  const auto run = runs_.find(event.run);
  if (run == runs_.end()) return;
  if (const auto instance = instances_.find(run->second.instance); instance != instances_.end()) {
    const bool broken = event.error == ErrorClass::Crash || event.error == ErrorClass::Timeout;
    if (instance->second.state == InstanceState::Busy)
      instance->second.state = broken ? InstanceState::Broken : InstanceState::Idle;
    instance->second.run = {};
    instance->second.idle_since = now_;
  }
  end_run(event.run, event.error, event.failed);
}

void Invariants::end_run(RunId id, ErrorClass error, const std::vector<MessageId>& failed) {
  const auto run = runs_.find(id);
  if (run == runs_.end()) return;
  for (const MessageId message_id : run->second.messages) {
    const auto message = messages_.find(message_id);
    if (message == messages_.end() || message->second.place != Place::Run) continue;
    message->second.place = Place::Ended;
    undecided_.insert(message_id);
    const bool success = error == ErrorClass::None && std::ranges::find(failed, message_id) == failed.end();
    if (success) {
      succeeded_.insert(message_id);
    } else {
      message->second.failed_on = run->second.instance;
    }
  }
  runs_.erase(run);
}

/// What ends in a step is decided in that step: nothing stays between a run and its fate.
void Invariants::check_fates() {
  for (const MessageId id : undecided_)
    fail("I1", name("message", id) + (succeeded_.contains(id) ? " succeeded and was not deleted"
                                                              : " failed and was forgotten"));
  for (const MessageId id : must_delete_)
    fail("I2", name("message", id) + " was deleted by a client and is still there");
  undecided_.clear();
  succeeded_.clear();
  must_delete_.clear();
}

void Invariants::on(const Deliver& action) {
  const auto asking = receivers_.find(action.receiver);
  if (asking == receivers_.end()) {
    fail("I3", name("receiver", action.receiver) + " is answered without having asked");
    return;
  }
  if (action.leases.size() > asking->second.messages_max)
    fail("I3", name("receiver", action.receiver) + " gets more than it asked for");
  for (const Lease& given : action.leases) {
    if (given.visible_at != saturating_add(now_, asking->second.visibility_timeout))
      fail("I3", name("message", given.message) + " is leased for another time than asked");
    lease(given, asking->second.queue, Place::Receiver);
    same_delivery_.insert(given.message);
  }
  same_delivery_.clear();
  receivers_.erase(asking);
}

void Invariants::lease(const Lease& given, QueueId queue, Place place) {
  const auto found = messages_.find(given.message);
  if (found == messages_.end()) {
    fail("I2", name("message", given.message) + " is handed out and does not exist");
    return;
  }
  Stored& message = found->second;
  if (message.queue != queue)
    fail("I3", name("message", given.message) + " is handed out from another queue");
  if (message.place == Place::Run || message.place == Place::Ended)
    fail("I3", name("message", given.message) + " is handed out while a run has it");
  if (message.place == Place::Receiver && message.visible_at > now_)
    fail("I3", name("message", given.message) + " is handed out while a receiver has it");
  if (message.place == Place::Waiting && message.visible_at > now_)
    fail("I3", name("message", given.message) + " is handed out before it is visible");
  if (given.receive_count != message.receive_count + 1)
    fail("I4", name("message", given.message) + " has count " + std::to_string(given.receive_count) +
                   " after " + std::to_string(message.receive_count));
  if (message.group) check_order(given.message, message);
  if (message.place == Place::Waiting) --waiting_[message.queue];
  last_lease_[queue] = now_;
  message.place = place;
  message.visible_at = given.visible_at;
  message.receive_count = given.receive_count;
}

void Invariants::check_order(MessageId id, const Stored& message) {
  for (const MessageId other_id : groups_[{message.queue, message.group}]) {
    if (other_id == id || (other_id < id && same_delivery_.contains(other_id))) continue;
    const Stored& other = messages_.at(other_id);
    const bool held =
        other.place == Place::Run || (other.place == Place::Receiver && other.visible_at > now_);
    // What was out before may come back alone: those behind it are still with whoever had them all.
    const bool comes_back = message.receive_count > 0 && id < other_id;
    if (held && !comes_back)
      fail("I5", name("message", id) + " goes out while " + name("message", other_id) +
                     " of its group is in flight");
    if (other_id < id)
      fail("I5", name("message", id) + " goes out before " + name("message", other_id) + " of its group");
  }
}

void Invariants::on(const Run& action) {
  const auto instance = instances_.find(action.instance);
  if (instance == instances_.end()) {
    fail("I8", name("run", action.run) + " on an instance that does not exist");
  } else {
    if (instance->second.state == InstanceState::Broken)
      fail("I8",
           name("run", action.run) + " on " + name("instance", action.instance) + " whose process has ended");
    else if (instance->second.state == InstanceState::Frozen)
      fail("I8", name("run", action.run) + " on " + name("instance", action.instance) + " that is frozen");
    else if (instance->second.state != InstanceState::Idle)
      fail("I8", name("run", action.run) + " on " + name("instance", action.instance) + " that is not idle");
    if (instance->second.function != action.function)
      fail("I8", name("run", action.run) + " on an instance of another function");
    check_instance_choice(action);
    instance->second.state = InstanceState::Busy;
    instance->second.run = action.run;
  }
  if (action.leases.empty()) fail("I8", name("run", action.run) + " without messages");
  Working working{action.instance, action.queue, {}};
  for (const Lease& given : action.leases) {
    lease(given, action.queue, Place::Run);
    working.messages.push_back(given.message);
  }
  if (!runs_.emplace(action.run, std::move(working)).second)
    fail("I8", name("run", action.run) + " begins twice");
}

void Invariants::forget(MessageId id) {
  const auto found = messages_.find(id);
  if (found == messages_.end()) return;
  const Stored& message = found->second;
  if (message.group) {
    auto& group = groups_[{message.queue, message.group}];
    group.erase(id);
    if (group.empty()) groups_.erase({message.queue, message.group});
  }
  if (message.place == Place::Waiting) --waiting_[message.queue];
  undecided_.erase(id);
  must_delete_.erase(id);
  messages_.erase(found);
}

void Invariants::on(const Delete& action) {
  const auto found = messages_.find(action.message);
  if (found == messages_.end()) {
    if (action.reason != DeleteReason::Expired)
      fail("I2", name("message", action.message) + " is deleted twice");
    return;
  }
  const Stored& message = found->second;
  if (action.reason == DeleteReason::RunSucceeded && !succeeded_.contains(action.message))
    fail("I1", name("message", action.message) + " is deleted as done and no run did it");
  if (action.reason == DeleteReason::Client && !must_delete_.contains(action.message))
    fail("I1", name("message", action.message) + " is deleted for a client that did not ask");
  if (action.reason == DeleteReason::Expired &&
      saturating_add(message.sent, queues_[message.queue].retention) > now_)
    fail("I1", name("message", action.message) + " expires before its retention");
  forget(action.message);
}

void Invariants::on(const Move& action) {
  const auto found = messages_.find(action.message);
  if (found == messages_.end()) {
    fail("I2", name("message", action.message) + " is moved and does not exist");
    return;
  }
  Stored moved = found->second;
  if (moved.queue != action.from)
    fail("I4", name("message", action.message) + " is moved from a queue it is not in");
  if (!queues_.contains(action.to)) fail("I1", name("message", action.message) + " is moved to no queue");
  if (succeeded_.contains(action.message))
    fail("I2", name("message", action.message) + " succeeded and is moved");
  if (moved.place == Place::Run) fail("I3", name("message", action.message) + " is moved while a run has it");
  if (action.reason != MoveReason::Redrive) {
    if (moved.dead_lettered) fail("I4", name("message", action.message) + " is dead-lettered twice");
    const auto& redrive = queues_[action.from].redrive;
    if (!redrive || redrive->dead_letter_queue != action.to)
      fail("I4", name("message", action.message) + " is dead-lettered to another queue than set");
    moved.dead_lettered = true;
  } else {
    moved.dead_lettered = false;
    if (action.sent != now_) fail("I1", name("message", action.message) + " is redriven with its old age");
  }
  moved.sent = action.sent;
  forget(action.message);
  moved.queue = action.to;
  if (!queues_[action.to].fifo) moved.group = {};
  moved.receive_count = 0;
  moved.visible_at = now_;
  moved.place = Place::Waiting;
  moved.failed_on = {};
  if (moved.group) groups_[{moved.queue, moved.group}].insert(action.message);
  messages_[action.message] = moved;
  ++waiting_[action.to];
}

void Invariants::on(const SetVisibility& action) {
  const auto found = messages_.find(action.message);
  if (found == messages_.end()) {
    fail("I2", name("message", action.message) + " gets a visibility and does not exist");
    return;
  }
  Stored& message = found->second;
  if (succeeded_.contains(action.message))
    fail("I2", name("message", action.message) + " succeeded and is kept");
  if (message.place == Place::Run)
    fail("I3", name("message", action.message) + " becomes visible while a run has it");
  if (action.receive_count < message.receive_count)
    fail("I4", name("message", action.message) + "'s receive count falls");
  undecided_.erase(action.message);
  message.visible_at = action.visible_at;
  message.receive_count = action.receive_count;
  if (message.place == Place::Receiver && action.visible_at > now_) return;  // the client prolonged it
  if (message.place != Place::Waiting) ++waiting_[message.queue];
  message.place = Place::Waiting;
}

void Invariants::on(const Purge& action) {
  std::vector<MessageId> gone;
  for (const auto& [id, message] : messages_) {
    if (id > action.up_to) break;
    if (message.queue == action.queue) gone.push_back(id);
  }
  for (const MessageId id : gone) forget(id);
}

void Invariants::check_balance(const Orchestrator& core) {
  std::map<QueueId, std::uint64_t> live;
  for (const auto& [id, message] : messages_) {
    ++live[message.queue];
    if (!core.exists(id)) fail("I1", name("message", id) + " is unknown to the core");
  }
  for (const auto& [id, settings] : queues_) {
    const QueueView view = core.queue(id);
    const std::uint64_t held = view.ready + view.delayed + view.in_flight;
    if (held != live[id])
      fail("I7", name("queue", id) + " holds " + std::to_string(held) + " messages, " +
                     std::to_string(live[id]) + " are accounted for");
  }
}

void Invariants::check_nothing_stuck(TimePoint now, Duration waited_max) {
  for (const auto& [id, message] : messages_) {
    const auto mapping = std::ranges::find(configuration_.mappings, message.queue, &MappingSettings::queue);
    if (mapping == configuration_.mappings.end()) continue;
    if (message.place == Place::Run || now - message.visible_at <= waited_max) continue;
    // A queue that is worked on is only overloaded.
    if (const auto last = last_lease_.find(message.queue);
        last != last_lease_.end() && now - last->second <= waited_max)
      continue;
    // Behind a message of its FIFO group that fails for ever, waiting is right.
    const auto group = groups_.find({message.queue, message.group});
    if (group != groups_.end() && *group->second.begin() != id) continue;
    fail("I1", name("message", id) + " has been left waiting for " +
                   std::to_string((now - message.visible_at) / 1s) + " s");
  }
}

}  // namespace forewarm
