#include "app/live_world.h"

#include <gtest/gtest.h>

namespace forewarm {
namespace {

constexpr QueueId kQueue(1);
constexpr FunctionId kFunction(1);

/// A store whose commits end when the test says so.
class HeldStore : public Store {
 public:
  struct Commit {
    std::vector<Write> writes;
    Durability durability;
    Done done;
  };

  Result<void> submit(std::vector<Write> writes, Durability durability, Done done) override {
    if (full) return error(ErrorCode::Exhausted, "too much is pending");
    commits.push_back({std::move(writes), durability, std::move(done)});
    return {};
  }
  Result<std::string> payload(MessageId) override { return std::string(); }
  MessageId next_message_id() override { return MessageId(++last_id_); }
  Statistics statistics() override { return {}; }

  std::deque<Commit> commits;
  bool full = false;

 private:
  std::uint64_t last_id_ = 0;
};

class LiveWorldTest : public testing::Test {
 protected:
  LiveWorldTest() {
    LiveWorld::Hands hands;
    hands.instance = [this](const Action& action) {
      if (const auto* start = std::get_if<StartInstance>(&action)) started.push_back(start->instance);
    };
    hands.run = [this](const forewarm::Run& run) { runs.push_back(run); };
    hands.fit = [](const FitRequest&) {};
    world = std::make_unique<LiveWorld>(
        loop, store, core,
        LiveWorld::Options{.input_max = 3, .not_before = {}, .room_looked_for = Duration(0)},
        std::move(hands));
    world->report(QueueChanged{kQueue, {}});
    settle();
  }

  /// What serve does while there is something to do.
  void settle() {
    for (int round = 0; round < 3; ++round) {
      loop.run_until(Loop::Clock::now());
      while (world->input_size() > 0 && take(kNever)) {
      }
      if (!take(TimePoint{})) return;
    }
  }
  bool take(TimePoint wake_at) {
    const std::optional<TimedEvent> event = world->next(wake_at);
    if (!event) return false;
    Actions actions;
    core.step(event->time, event->event, actions);
    world->perform(*event, actions);
    return true;
  }
  void commit(const Result<void>& outcome = {}) {
    ASSERT_FALSE(store.commits.empty());
    const HeldStore::Commit first = std::move(store.commits.front());
    store.commits.pop_front();
    first.done(outcome);
    settle();
  }

  Result<void> send() {
    StoredMessage message;
    message.message.id = store.next_message_id();
    message.message.queue = kQueue;
    message.message.sent = message.message.visible_at = world->now();
    return world->send({message}, {}, [this](const Result<void>& done) { sent.push_back(done.has_value()); });
  }
  ReceiveRequested request(std::uint16_t messages_max = 1, Duration wait = Duration(0)) const {
    ReceiveRequested request;
    request.queue = kQueue;
    request.messages_max = messages_max;
    request.wait_until = world->now() + wait;
    return request;
  }
  /// A message that the core has.
  void have_message() {
    ASSERT_TRUE(send());
    commit();
    ASSERT_EQ(core.queue(kQueue).ready, 1U);
  }
  /// An instance for a message that is sent now; the lease is about to be written.
  void have_instance_for_message() {
    ConfigurationChanged changed;
    changed.configuration.functions.resize(1);
    changed.configuration.functions[0].id = kFunction;
    changed.configuration.mappings.resize(1);
    changed.configuration.mappings[0].queue = kQueue;
    changed.configuration.mappings[0].function = kFunction;
    changed.configuration.mappings[0].scaling.instances_max = 1;
    world->report(std::move(changed));
    ASSERT_TRUE(send());
    commit();
    ASSERT_EQ(started.size(), 1U);
    world->report(InstanceReady{started[0], 10ms});
    settle();
  }

  Loop loop;
  HeldStore store;
  Orchestrator core{Orchestrator::Options{}};
  std::unique_ptr<LiveWorld> world;
  std::vector<bool> sent;
  std::vector<InstanceId> started;
  std::vector<forewarm::Run> runs;
};

TEST_F(LiveWorldTest, TheCoreLearnsOfAMessageOnlyWhenItIsDurable) {
  ASSERT_TRUE(send());
  settle();
  EXPECT_TRUE(sent.empty());
  EXPECT_EQ(core.queue(kQueue).ready, 0U);
  EXPECT_EQ(store.commits.front().durability, Durability::Synced);
  commit();
  EXPECT_EQ(sent, std::vector<bool>{true});
  EXPECT_EQ(core.queue(kQueue).ready, 1U);

  ASSERT_TRUE(send());
  commit(error(ErrorCode::Exhausted, "the disk is full"));
  EXPECT_EQ(sent, (std::vector<bool>{true, false}));
  EXPECT_EQ(core.queue(kQueue).ready, 1U);
  EXPECT_FALSE(world->failure()) << "a full disk refuses one commit and no more";
}

TEST_F(LiveWorldTest, ADeliveryWaitsUntilItsLeaseIsWritten) {
  have_message();
  std::vector<Lease> got;
  const auto delivered = [&](const Result<void>&, const std::vector<Lease>& leases) { got = leases; };
  ASSERT_TRUE(world->receive(request(1, 20s), delivered));
  settle();
  ASSERT_EQ(store.commits.size(), 1U);
  ASSERT_TRUE(std::holds_alternative<UpdateMessage>(store.commits.front().writes[0]));
  EXPECT_EQ(store.commits.front().durability, Durability::Written) << "a lease may be lost with the power";
  EXPECT_TRUE(got.empty());
  commit();
  ASSERT_EQ(got.size(), 1U);
  EXPECT_EQ(got[0].receive_count, 1);
}

TEST_F(LiveWorldTest, ARunWaitsUntilItsLeaseIsWrittenAndAStartDoesNot) {
  have_instance_for_message();
  EXPECT_TRUE(runs.empty());
  commit();
  ASSERT_EQ(runs.size(), 1U);
  world->report(RunFinished{.run = runs[0].run, .failed = {}});
  settle();
  ASSERT_EQ(store.commits.size(), 1U);
  EXPECT_TRUE(std::holds_alternative<RemoveMessage>(store.commits.front().writes[0]));
  EXPECT_EQ(store.commits.front().durability, Durability::Synced) << "a delete must not come back";
}

TEST_F(LiveWorldTest, ARunWhoseLeaseFindsNoRoomIsBegunWhenThereIsSomeAndItsInstanceIsFreeMeanwhile) {
  have_instance_for_message();
  for (int attempt = 0; attempt < 3; ++attempt) {
    commit(error(ErrorCode::Exhausted, "the disk is full"));
    EXPECT_TRUE(runs.empty());
    ASSERT_EQ(store.commits.size(), 1U) << "it is tried again";
  }
  EXPECT_FALSE(world->failure());
  EXPECT_EQ(started.size(), 1U) << "its instance was not kept busy";
  commit();
  ASSERT_EQ(runs.size(), 1U);
  const Message* message = core.message(runs[0].leases.at(0).message);
  ASSERT_NE(message, nullptr);
  EXPECT_EQ(runs[0].leases[0].receive_count, message->receive_count);
}

TEST_F(LiveWorldTest, StepsAreWrittenTogetherAndAnsweredInTheirOrder) {
  for (int n = 0; n < 2; ++n) {
    ASSERT_TRUE(send());
    commit();
  }
  ASSERT_TRUE(world->receive(request(10), [](const Result<void>&, const auto&) {}));
  settle();
  commit();
  std::vector<int> order;
  for (int n = 1; n <= 2; ++n) {
    ASSERT_TRUE(world->submit(MessageDeleted{MessageId(static_cast<std::uint64_t>(n)), 1},
                              [&order, n](const Actions&, const Result<void>&) { order.push_back(n); }));
  }
  settle();
  ASSERT_EQ(store.commits.size(), 1U) << "one job for the store";
  EXPECT_EQ(store.commits.front().writes.size(), 2U);
  EXPECT_TRUE(order.empty());
  commit();
  EXPECT_EQ(order, (std::vector<int>{1, 2}));
}

TEST_F(LiveWorldTest, WhatTheStoreCannotTakeNowIsKeptAndSendsAreRefusedMeanwhile) {
  have_message();
  ASSERT_TRUE(send());  // on its way: its end is the next chance
  store.full = true;
  bool delivered = false;
  ASSERT_TRUE(world->receive(request(), [&](const Result<void>&, const auto&) { delivered = true; }));
  settle();
  const Result<void> refused = send();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::Exhausted);
  EXPECT_EQ(world->refused(), 1U);
  store.full = false;
  commit();
  ASSERT_EQ(store.commits.size(), 1U);
  commit();
  EXPECT_TRUE(delivered);
  EXPECT_TRUE(send());
}

TEST_F(LiveWorldTest, AFailedWriteIsToldToAllWhoWaitAndEndsTheWorld) {
  have_message();
  std::optional<Result<void>> told;
  ASSERT_TRUE(world->receive(request(), [&](const Result<void>& recorded, const auto&) { told = recorded; }));
  settle();
  commit(error(ErrorCode::Io, "write: input/output error"));
  ASSERT_TRUE(told);
  EXPECT_FALSE(*told);
  ASSERT_TRUE(world->failure());
  EXPECT_EQ(world->next(kNever), std::nullopt);
}

TEST_F(LiveWorldTest, AFullInputRefusesRequestsAndNeverWhatTheMachineReports) {
  const auto ignore = [](const Actions&, const Result<void>&) {};
  for (int n = 0; n < 3; ++n) ASSERT_TRUE(world->submit(QueuePurged{kQueue}, ignore));
  EXPECT_FALSE(world->submit(QueuePurged{kQueue}, ignore));
  EXPECT_FALSE(world->receive(request(), [](const Result<void>&, const auto&) {}));
  EXPECT_FALSE(send());
  EXPECT_EQ(world->refused(), 3U);
  world->report(TimePassed{});
  EXPECT_EQ(world->input_size(), 4U);
  settle();
  EXPECT_TRUE(send());
}

TEST_F(LiveWorldTest, AReceiverThatLeavesIsNotAnswered) {
  bool answered = false;
  const Result<ReceiverId> receiver =
      world->receive(request(1, 20s), [&](const Result<void>&, const auto&) { answered = true; });
  ASSERT_TRUE(receiver);
  settle();
  world->cancel(*receiver);
  settle();
  while (!store.commits.empty()) commit();
  have_message();
  EXPECT_FALSE(answered);
}

TEST_F(LiveWorldTest, TimeGoesOnFromWhereItWasWhenTheWallClockIsBehind) {
  const TimePoint later = world->now() + 24h;
  LiveWorld behind(loop, store, core, {.not_before = later}, {});
  EXPECT_GE(behind.now(), later);
  const TimePoint first = behind.now();
  EXPECT_GE(behind.now(), first);
}

}  // namespace
}  // namespace forewarm
