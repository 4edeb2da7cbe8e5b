#include "app/controlled_queue.h"

#include <gtest/gtest.h>

namespace forewarm {
namespace {

/// A queue that is read every five seconds and whose target says what it has.
class ControlledQueueTest : public testing::Test {
 protected:
  ControlledQueueTest() {
    settings.watched.queue = QueueId(1);
    settings.watched.scaling.instances_max = 50;
    settings.watched.scaling.objective = 1s;
    settings.watched.target.lead = 10s;
    settings.scale_down_delay = Duration(0);
    make();
  }
  void make() { queue.emplace(settings); }

  /// Reads queue and target; `waiting` messages and as many instances as are set.
  std::optional<TargetOrder> round(std::uint64_t waiting, std::uint64_t come = 0) {
    total += come;
    queue->observe_target(TargetState{.set = there, .ready = {}});
    queue->observe(now, QueueReading{.waiting = waiting,
                                     .in_flight = std::min<std::uint64_t>(waiting, there.value_or(0)),
                                     .arrived_total = total,
                                     .done_total = total - waiting,
                                     .instances_ready = there});
    return next();
  }
  std::optional<TargetOrder> silent_round() {
    queue->observe(now, error(ErrorCode::Io, "nobody answers"));
    return next();
  }
  std::optional<TargetOrder> next() {
    std::optional<TargetOrder> order = queue->decide(now);
    now += 5s;
    return order;
  }
  void obey(const std::optional<TargetOrder>& order) {
    if (!order) return;
    queue->told(now, *order, true);
    there = order->instances;
  }

  ControlledQueue::Settings settings;
  std::optional<ControlledQueue> queue;
  TimePoint now = TimePoint(1'700'000'000s);
  std::optional<std::uint32_t> there = 2;
  std::uint64_t total = 1'000'000;
};

TEST_F(ControlledQueueTest, ABacklogIsToldAtOnceAndWhatIsThereIsNotToldAgain) {
  settings.watched.scaling.instances_min = 2;
  make();
  EXPECT_FALSE(round(0));
  const auto order = round(300, 300);
  ASSERT_TRUE(order);
  EXPECT_GT(order->instances, 2U);
  EXPECT_LE(order->instances, 50U);
  EXPECT_EQ(order->before, 2U);
  for (int n = 0; n < 20 && there != 50U; ++n) obey(round(3000, 300));
  EXPECT_EQ(there, 50U);
  EXPECT_FALSE(round(3000, 0));
}

TEST_F(ControlledQueueTest, NoMoreAreToldThanTheTargetTakesAsItIsSetUp) {
  const auto told_with = [this](std::optional<std::uint32_t> most) {
    for (int n = 0; n < 20; ++n) {
      round(3000, 300);
      queue->observe_target(TargetState{.set = there, .ready = {}, .most = most});
      obey(queue->decide(now));
    }
    return *there;
  };
  EXPECT_EQ(told_with(12), 12U);
  EXPECT_EQ(queue->most(), 12U);
  EXPECT_GT(queue->held_from().value_or(0), 12U) << "more are wanted, and that can be said";
}

TEST_F(ControlledQueueTest, LevelsToComeAreNotKnownInSilence) {
  EXPECT_FALSE(queue->levels(now, 2, 20)) << "nothing was read yet";
  round(0);
  ASSERT_TRUE(queue->levels(now, 2, 20));
  EXPECT_EQ(*queue->levels(now, 2, 20), std::vector<PlannedLevel>{}) << "there is no forecast";
  now += 10min;
  EXPECT_FALSE(queue->levels(now, 2, 20));
}

TEST_F(ControlledQueueTest, TimesOfLevelsAreWholeSecondsAsFarApartAsTheTargetLetsThem) {
  settings.watched.forecast.step = 10s;
  make();
  EXPECT_EQ(queue->level_every(), 10s);
  settings.watched.target.change_every = 1min + 1ms;
  make();
  EXPECT_EQ(queue->level_every(), 61s);
}

TEST_F(ControlledQueueTest, WithoutAReadingNothingIsTakenAway) {
  there = 40;
  for (int n = 0; n < 3; ++n) round(0, 1);
  for (int n = 0; n < 300; ++n) {
    const auto order = silent_round();
    ASSERT_FALSE(order) << "in round " << n << ": " << order->instances;
  }
  // What is heard again is believed again.
  for (int n = 0; n < 400; ++n) obey(round(0, 0));
  EXPECT_LT(*there, 40U);
}

TEST_F(ControlledQueueTest, OneMissingReadingIsEnoughToKeepWhatIsThere) {
  there = 40;
  std::optional<TargetOrder> order;
  for (int n = 0; n < 400 && !order; ++n) order = round(0, 0);
  ASSERT_TRUE(order);
  ASSERT_LT(order->instances, 40U);
  EXPECT_FALSE(silent_round());
  EXPECT_TRUE(round(0, 0));
}

TEST_F(ControlledQueueTest, FewerAreToldOnlyAfterTheDelayAndThenTheMostThatWasWanted) {
  settings.scale_down_delay = 2min;
  make();
  there = 40;
  int rounds = 0;
  std::optional<TargetOrder> order;
  for (; rounds < 400 && !order; ++rounds) order = round(0, 0);
  ASSERT_TRUE(order);
  EXPECT_GE(rounds, 24);
  EXPECT_LT(order->instances, 40U);
}

TEST_F(ControlledQueueTest, WhatOthersSetInTheMeantimeIsNeverRaisedByADelayedLowering) {
  settings.scale_down_delay = 1min;
  make();
  there = 40;
  bool lowering = false;
  for (int n = 0; n < 800; ++n) {
    if (n == 300) there = 5;
    const auto order = round(0, 0);
    if (!order) continue;
    lowering = true;
    EXPECT_LT(order->instances, *order->before);
    if (n >= 300) break;
  }
  EXPECT_TRUE(lowering);
}

TEST_F(ControlledQueueTest, AnUnknownTargetIsNotTold) {
  round(0);
  queue->observe_target(error(ErrorCode::Io, "no route"));
  queue->observe(now, QueueReading{.waiting = 500, .arrived_total = total + 500});
  EXPECT_FALSE(next());
}

TEST_F(ControlledQueueTest, WhatIsRefusedIsWantedStillAndToldAgainLaterAndLater) {
  round(0);
  TimePoint refused_at;
  Duration longest(0);
  int refusals = 0;
  for (int n = 0; n < 200; ++n) {
    const auto order = round(500, 1);
    if (!order) continue;
    EXPECT_GT(order->instances, 2U) << "a refusal never leads to fewer";
    if (refusals > 0) longest = std::max(longest, now - refused_at);
    refused_at = now;
    queue->told(now, *order, false);
    ++refusals;
  }
  EXPECT_GE(refusals, 5);
  EXPECT_LE(refusals, 20);
  EXPECT_GE(longest, 60s);
  EXPECT_EQ(queue->refused_in_row(), static_cast<std::uint32_t>(refusals));
  now = queue->try_again_at();
  obey(round(500, 1));
  EXPECT_GT(*there, 2U);
  EXPECT_EQ(queue->refused_in_row(), 0U);
}

TEST_F(ControlledQueueTest, ChangesKeepTheTargetsPaceAndStepsAndMultiples) {
  settings.watched.target.change_every = 1min;
  settings.watched.target.change_max = 10;
  settings.watched.target.granularity = 4;
  make();
  there = 4;
  round(0);
  const auto first = round(900, 900);
  ASSERT_TRUE(first);
  EXPECT_LE(first->instances, 14U);
  obey(first);
  EXPECT_FALSE(round(900));
  now += 1min;
  EXPECT_TRUE(round(900));
  settings.watched.target.change_max = 0;
  make();
  there = 4;
  round(0);
  EXPECT_EQ(round(900, 900)->instances % 4, 0U);
}

TEST_F(ControlledQueueTest, ARaiseInsideTheDeadBandIsMadeSoLargeThatItIsFelt) {
  settings.watched.target.dead_band = 0.1;
  settings.watched.scaling.instances_max = 100;
  settings.watched.service_time = 1s;
  make();
  there = 40;
  for (int n = 0; n < 100; ++n) {
    const auto order = round(static_cast<std::uint64_t>(40 + n), 200);
    if (!order || order->instances <= 40) continue;
    EXPECT_GE(order->instances, 45U);
    return;
  }
  FAIL() << "nothing was raised";
}

TEST_F(ControlledQueueTest, WhereNothingIsSetTheTargetsLeastIsKept) {
  settings.least = 2;
  settings.most = 30;
  make();
  there = std::nullopt;
  round(0);
  const auto order = round(0);
  ASSERT_TRUE(order);
  EXPECT_GE(order->instances, 2U);
  EXPECT_EQ(order->before, std::nullopt);
  obey(order);
  for (int n = 0; n < 20; ++n) obey(round(5000, 10));
  EXPECT_EQ(there, 30U);
}

TEST_F(ControlledQueueTest, AStartIsMeasuredFromTheOrderToItsBeingReady) {
  round(0);
  const auto order = round(500, 500);
  ASSERT_TRUE(order);
  queue->told(now, *order, true);
  queue->observe(now + 40s, QueueReading{.waiting = 0, .instances_ready = order->instances});
  const ScalingPlan plan = (queue->decide(now + 40s), queue->plan());
  EXPECT_GT(plan.reason.lead, 20s) << "10 s were guessed";
}

}  // namespace
}  // namespace forewarm
