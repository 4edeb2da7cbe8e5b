#pragma once

#include <algorithm>
#include <deque>
#include <functional>
#include <map>
#include <utility>
#include <vector>

#include "app/core_gate.h"
#include "app/memory_store.h"

namespace forewarm {

/// A core with a store in memory behind the gate, at a time that the test sets. Sends can be held back, to
/// look at what happens while a commit is on its way, and refused. For tests.
class MemoryGate : public CoreGate {
 public:
  MemoryGate() : core_(Orchestrator::Options{}) {}

  TimePoint now() const override { return now_; }
  const Orchestrator& core() const override { return core_; }
  Store& store() override { return store_; }
  Result<void> submit(Event event, Done done) override {
    if (full) return error(ErrorCode::Exhausted, "full");
    const Actions actions = step(event);
    if (done) done(actions, {});
    return {};
  }
  Result<void> send(std::vector<StoredMessage> messages, std::vector<Write> others,
                    std::function<void(const Result<void>&)> done) override {
    if (full) return error(ErrorCode::Exhausted, "full");
    const auto commit = [this, messages = std::move(messages), others = std::move(others),
                         done = std::move(done)](const Result<void>& outcome) {
      if (outcome) {
        std::vector<Write> writes;
        for (const StoredMessage& message : messages) writes.push_back(AppendMessage{message});
        for (const Write& write : others) writes.push_back(write);
        (void)store_.submit(std::move(writes), Durability::Synced, [](const Result<void>&) {});
        for (const StoredMessage& message : messages) step(MessageArrived{message.message, Origin::Sent});
      }
      done(outcome);
    };
    if (holding_) {
      held_.push_back(commit);
    } else {
      commit({});
    }
    return {};
  }
  Result<ReceiverId> receive(ReceiveRequested request, Delivered delivered) override {
    if (full) return error(ErrorCode::Exhausted, "full");
    request.receiver = ReceiverId(++last_receiver_);
    const ReceiverId receiver = request.receiver;
    delivered_.emplace(receiver, std::move(delivered));
    step(request);
    return receiver;
  }
  void cancel(ReceiverId receiver) override {
    step(ReceiveCancelled{receiver});
    delivered_.erase(receiver);
  }

  /// As LiveWorld's hand of that name.
  std::function<void(const Action&, TimePoint, std::vector<Write>&)> accompany;
  MemoryStore& memory() { return store_; }
  /// Passes time, with every wake-up that the core asked for.
  void advance(Duration duration) {
    const TimePoint end = now_ + duration;
    while (core_.wake_at() <= end) {
      now_ = std::max(now_, core_.wake_at());
      step(TimePassed{});
    }
    now_ = end;
  }
  /// From now on commits wait for release(), which ends them in order with `outcome`.
  void hold() { holding_ = true; }
  void release(const Result<void>& outcome = {}) {
    holding_ = false;
    std::deque<std::function<void(const Result<void>&)>> commits;
    commits.swap(held_);
    for (const auto& commit : commits) commit(outcome);
  }
  bool full = false;  ///< submit, send and receive say Exhausted

 private:
  Actions step(const Event& event) {
    Actions actions;
    core_.step(now_, event, actions);
    for (const Action& action : actions) {
      std::vector<Write> writes;
      if (accompany) accompany(action, now_, writes);
      if (!writes.empty())
        (void)store_.submit(std::move(writes), Durability::Written, [](const Result<void>&) {});
      perform(action);
    }
    return actions;
  }

  void perform(const Action& action) {
    const auto write = [this](Write each) {
      (void)store_.submit({std::move(each)}, Durability::Written, [](const Result<void>&) {});
    };
    if (const auto* deliver = std::get_if<Deliver>(&action)) {
      for (const Lease& lease : deliver->leases) {
        write(UpdateMessage{lease.message, lease.receive_count, lease.visible_at});
      }
      const auto found = delivered_.find(deliver->receiver);
      if (found == delivered_.end()) return;
      const Delivered delivered = std::move(found->second);
      delivered_.erase(found);
      delivered({}, deliver->leases);
    } else if (const auto* remove = std::get_if<Delete>(&action)) {
      write(RemoveMessage{remove->message});
    } else if (const auto* move = std::get_if<Move>(&action)) {
      write(to_write(*move, now_));
    } else if (const auto* purge = std::get_if<Purge>(&action)) {
      write(PurgeQueue{purge->queue, purge->up_to});
    }
  }

  TimePoint now_ = time_point_us(1'700'000'000'000'000);
  Orchestrator core_;
  MemoryStore store_;
  std::map<ReceiverId, Delivered> delivered_;
  std::uint64_t last_receiver_ = 0;
  bool holding_ = false;
  std::deque<std::function<void(const Result<void>&)>> held_;
};

}  // namespace forewarm
