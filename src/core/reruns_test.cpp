#include <gtest/gtest.h>

#include "core/orchestrator.h"

namespace forewarm {
namespace {

constexpr QueueId kJobs(1), kDead(2), kPlain(3);

/// A function on one queue with a dead-letter queue; every run ends as the test says.
class Reruns : public testing::Test {
 protected:
  Reruns() {
    FunctionSettings function;
    function.id = FunctionId(1);
    function.variants = {{.memory_bytes = 128 << 20}};
    MappingSettings mapping;
    mapping.queue = kJobs;
    mapping.function = function.id;
    configuration_.functions = {function};
    configuration_.mappings = {mapping};
    step(ConfigurationChanged{configuration_});
    step(QueueChanged{kDead, {}});
    step(QueueChanged{kPlain, {}});
    QueueSettings jobs;
    jobs.redrive = RedrivePolicy{.dead_letter_queue = kDead, .receive_count_max = 1};
    step(QueueChanged{kJobs, jobs});
  }
  void step(const Event& event) {
    Actions actions;
    core_.step(now_, event, actions);
    for (const Action& action : actions) {
      if (const auto* start = std::get_if<StartInstance>(&action)) starting_.push_back(start->instance);
      if (const auto* stop = std::get_if<StopInstance>(&action)) stopping_.push_back(stop->instance);
      if (const auto* run = std::get_if<forewarm::Run>(&action)) runs_.push_back(run->run);
      if (const auto* move = std::get_if<Move>(&action)) moves_.push_back(*move);
    }
  }
  void pass(Duration time) {
    const TimePoint until = now_ + time;
    while (core_.wake_at() <= until) {
      now_ = std::max(now_, core_.wake_at());
      step(TimePassed{});
    }
    now_ = until;
  }
  void send(std::uint64_t id, QueueId queue = kJobs) {
    Message message;
    message.id = MessageId(id);
    message.queue = queue;
    message.sent = message.visible_at = now_;
    step(MessageArrived{message});
  }
  void run_all(ErrorClass error) {
    for (int round = 0; round < 20; ++round) {
      pass(100ms);
      for (const InstanceId instance : std::exchange(starting_, {})) step(InstanceReady{instance, 100ms});
      for (const InstanceId instance : std::exchange(stopping_, {})) step(InstanceLost{instance, {}});
      for (const RunId run : std::exchange(runs_, {}))
        step(RunFinished{run, error, error == ErrorClass::None ? 0U : 77U, 10ms, {}});
    }
  }

  Configuration configuration_;
  TimePoint now_ = TimePoint(Duration(1h));
  Orchestrator core_{Orchestrator::Options{}};
  std::vector<InstanceId> starting_, stopping_;
  std::vector<RunId> runs_;
  std::vector<Move> moves_;
};

TEST_F(Reruns, ChosenMessagesGoBackAndNoOthers) {
  for (std::uint64_t id = 1; id <= 4; ++id) send(id, kDead);
  step(ReceiveRequested{.receiver = ReceiverId(1), .queue = kDead, .wait_until = now_});  // takes the first
  step(ChosenRedriven{kDead, kPlain, {MessageId(1), MessageId(3), MessageId(99)}});
  ASSERT_EQ(moves_.size(), 1U);
  EXPECT_EQ(moves_[0].message, MessageId(3));
  EXPECT_EQ(moves_[0].reason, MoveReason::Redrive);
  EXPECT_EQ(core_.queue(kDead).messages, 3U);
  EXPECT_EQ(core_.queue(kPlain).ready, 1U);
  step(ChosenRedriven{kDead, kPlain, {MessageId(3)}});      // it is not there any more
  step(ChosenRedriven{kDead, QueueId(9), {MessageId(2)}});  // nor is this queue
  step(ChosenRedriven{kDead, kDead, {MessageId(2)}});
  EXPECT_EQ(moves_.size(), 1U);
}

TEST_F(Reruns, OddsFollowWhatTheFunctionHasShown) {
  const LastFailure failure{.error = ErrorClass::Handler, .fingerprint = 77, .attempts = 1, .at = now_};
  EXPECT_FALSE(core_.rerun_odds(kPlain, failure));
  EXPECT_FALSE(core_.rerun_odds(kJobs, {.error = ErrorClass::None}));
  const auto nothing = core_.rerun_odds(kJobs, failure);
  ASSERT_TRUE(nothing);
  EXPECT_EQ(nothing->evidence, 0);
  EXPECT_EQ(nothing->function_attempts, 0);
  for (std::uint64_t id = 1; id <= 6; ++id) send(id);
  run_all(ErrorClass::Handler);
  EXPECT_EQ(core_.queue(kDead).messages, 6U);
  const auto failing = core_.rerun_odds(kJobs, failure);
  EXPECT_GT(failing->function_failures, 5);
  for (std::uint64_t id = 100; id <= 160; ++id) send(id);
  run_all(ErrorClass::None);
  const auto working = core_.rerun_odds(kJobs, failure);
  EXPECT_GT(working->function_attempts, 60);
  EXPECT_LT(working->failure, failing->failure);
}

TEST_F(Reruns, WhatWasLearntOfFailuresOutlivesTheCore) {
  for (std::uint64_t id = 1; id <= 12; ++id) {
    send(id);
    run_all(id % 3 == 0 ? ErrorClass::Handler : ErrorClass::None);
  }
  const RetryMemory learnt = core_.retry_memory();
  ASSERT_GE(learnt.learnt, 12U);
  ASSERT_EQ(learnt.outages.size(), 1U);
  EXPECT_TRUE(learnt.outages[0].has_succeeded);
  Orchestrator other{Orchestrator::Options{}};
  for (const Event& event :
       std::vector<Event>{ConfigurationChanged{configuration_}, RetryRestored{learnt}, RetryRestored{}}) {
    Actions actions;
    other.step(now_, event, actions);
  }
  EXPECT_EQ(other.retry_memory(), learnt);
}

TEST_F(Reruns, AMemoryOfAFunctionThatIsNotThereIsLeftOut) {
  RetryMemory learnt = core_.retry_memory();
  learnt.learnt = 1;
  learnt.outages = {
      {.function = FunctionId(77), .has_succeeded = true, .observed = 1, .count = 1, .mean = 4}};
  step(RetryRestored{learnt});
  ASSERT_EQ(core_.retry_memory().outages.size(), 1U);
  EXPECT_EQ(core_.retry_memory().outages[0], OutageMemory{.function = FunctionId(1)});
  EXPECT_EQ(core_.retry_memory().learnt, 1U);
}

/// A function whose messages all fail until the test lets them succeed, with a signal of what it needs.
class Upstream : public Reruns {
 protected:
  Upstream() {
    configuration_.signals = {
        {.id = SignalId(1), .queues = {kJobs}, .upstream = true},
        {.id = SignalId(2), .queues = {kJobs}},  // helps forecasts only
        {.id = SignalId(3), .queues = {kPlain}, .upstream = true},
    };
    step(ConfigurationChanged{configuration_});
    QueueSettings jobs;
    jobs.redrive = RedrivePolicy{.dead_letter_queue = kDead, .receive_count_max = 50};
    step(QueueChanged{kJobs, jobs});
    say(1, 0);
    for (std::uint64_t id = 1; id <= 30; ++id) send(id);
    run_all(ErrorClass::None);
    for (std::uint64_t id = 100; id <= 130; ++id) send(id);
    for (int i = 0; i < 60; ++i) run_all(ErrorClass::Handler);
  }
  void say(std::uint32_t signal, double value) { step(SignalObserved{SignalId(signal), now_, value}); }
  std::size_t run_at_once() {
    pass(60ms);
    for (const InstanceId instance : std::exchange(starting_, {})) step(InstanceReady{instance, 1ms});
    pass(60ms);
    return runs_.size();
  }
};

TEST_F(Upstream, WhatWaitsForItAsksWhenItsSignalChanges) {
  ASSERT_EQ(run_at_once(), 0U) << "all wait for the predicted recovery";
  say(2, 1);
  say(3, 1);
  EXPECT_EQ(run_at_once(), 0U) << "of other queues, and for forecasts";
  say(1, 0);
  EXPECT_EQ(run_at_once(), 0U) << "nothing new";
  say(1, 1);
  EXPECT_EQ(run_at_once(), 1U);
}

TEST_F(Upstream, OddsRestOnWhatItSays) {
  say(1, 1);
  run_all(ErrorClass::None);  // those that waited
  step(QueueChanged{kJobs, {.redrive = RedrivePolicy{.dead_letter_queue = kDead, .receive_count_max = 1}}});
  std::uint64_t id = 1000;
  const auto odds_of_next = [&](double value, ErrorClass error) {
    say(1, value);
    send(++id);
    const double odds = run_at_once() == 0 ? -1 : core_.failure_odds(runs_.back()).front();
    run_all(error);
    pass(1min);
    return odds;
  };
  for (int i = 0; i < 500; ++i)
    odds_of_next(i % 5 == 0 ? 0 : 1, i % 5 == 0 ? ErrorClass::Handler : ErrorClass::None);
  EXPECT_GT(odds_of_next(0, ErrorClass::Handler), 0.5);
  EXPECT_LT(odds_of_next(1, ErrorClass::None), 0.2);
}

}  // namespace
}  // namespace forewarm
