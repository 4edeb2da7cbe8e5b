#include "core/watch/watched_queue.h"

#include <gtest/gtest.h>

#include <cmath>

namespace forewarm {
namespace {

constexpr QueueId kQueue(1);

/// A queue that is read every five seconds, from the beginning of a step on.
class WatchedQueueTest : public testing::Test {
 protected:
  WatchedQueueTest() {
    settings.queue = kQueue;
    settings.scaling.instances_max = 50;
    settings.scaling.objective = 1s;
    settings.target.lead = 20s;
    make();
  }
  void make() { queue.emplace(settings); }

  /// A reading five seconds after the one before.
  void read(const QueueReading& reading) {
    queue->observe(now, reading);
    now += 5s;
  }
  /// Counters that grow by so many messages in each reading, nothing waiting.
  void flow(int readings, std::uint64_t messages, std::uint64_t in_flight = 0) {
    for (int n = 0; n < readings; ++n) {
      read({.waiting = 0,
            .in_flight = in_flight,
            .arrived_total = total,
            .done_total = total,
            .instances_ready = 2,
            .instances_set = 2});
      total += messages;
    }
  }

  WatchedQueue::Settings settings;
  std::optional<WatchedQueue> queue;
  TimePoint now = TimePoint(1'700'000'000s);
  std::uint64_t total = 1000;
};

TEST_F(WatchedQueueTest, ArrivalsAreTheGrowthOfTheCounterSpreadOverTheTimeBetween) {
  flow(9, 20);
  const std::vector<float> arrivals = queue->history().arrivals(10);
  ASSERT_EQ(arrivals.size(), 4U);
  for (const float step : arrivals) EXPECT_FLOAT_EQ(step, 40);
}

TEST_F(WatchedQueueTest, ACounterThatBeginsAnewIsCountedFromZero) {
  flow(3, 20);
  total = 20;  // the engine was started again, and 20 have come since
  flow(2, 20);
  const std::vector<float> arrivals = queue->history().arrivals(10);
  ASSERT_EQ(arrivals.size(), 2U);
  EXPECT_FLOAT_EQ(arrivals[1], 40);
}

TEST_F(WatchedQueueTest, WithoutACounterArrivalsFollowFromWhatIsThereAndWhatIsDone) {
  read({.waiting = 10, .in_flight = 2, .done_total = 0});
  read({.waiting = 14, .in_flight = 2, .done_total = 6});  // 10 came
  read({.waiting = 4, .in_flight = 0, .done_total = 18});  // none came
  const std::vector<float> arrivals = queue->history().arrivals(10);
  ASSERT_EQ(arrivals.size(), 1U);
  EXPECT_FLOAT_EQ(arrivals[0], 10);
}

TEST_F(WatchedQueueTest, TimeWithoutReadingsIsAGapAndNotZero) {
  flow(3, 20);
  now += 2min;
  flow(3, 20);
  const std::vector<float> arrivals = queue->history().arrivals(100);
  ASSERT_GT(arrivals.size(), 10U);
  EXPECT_FLOAT_EQ(arrivals.front(), 40);
  EXPECT_TRUE(std::isnan(arrivals[5]));
  for (const float step : arrivals) EXPECT_TRUE(std::isnan(step) || step > 0);
}

TEST_F(WatchedQueueTest, AReadingThatSaysNothingOfArrivalsIsAGap) {
  read({.instances_set = 1});
  read({.instances_set = 1});
  flow(5, 20);
  for (const float step : queue->history().arrivals(10)) EXPECT_TRUE(std::isnan(step) || step > 0);
}

TEST_F(WatchedQueueTest, TheServiceTimeFollowsFromWhatIsInFlightAndEnds) {
  flow(20, 10, 4);  // 2 a second with 4 in flight: 2 s each
  EXPECT_NEAR(seconds(queue->service_time().mean), 2, 0.1);
  settings.service_time = 3s;
  make();
  flow(20, 10, 4);
  EXPECT_EQ(queue->service_time().mean, 3s);
}

TEST_F(WatchedQueueTest, ABacklogIsStaffedAtOnce) {
  flow(10, 10, 4);
  const std::uint32_t before = queue->plan(now).instances;
  read({.waiting = 400,
        .in_flight = 4,
        .arrived_total = total + 400,
        .done_total = total,
        .instances_ready = 2,
        .instances_set = 2});
  const ScalingPlan plan = queue->plan(now);
  EXPECT_GT(plan.instances, before);
  EXPECT_GT(plan.instances, 10U);
  EXPECT_LE(plan.instances, settings.scaling.instances_max);
}

TEST_F(WatchedQueueTest, NothingIsTakenAwayOnSilence) {
  flow(10, 0);
  settings.scaling.instances_min = 0;
  read({.waiting = 0,
        .in_flight = 0,
        .arrived_total = total,
        .done_total = total,
        .instances_ready = 7,
        .instances_set = 7});
  now += 10min;
  const ScalingPlan plan = queue->plan(now);
  EXPECT_EQ(plan.instances, 7U);
  EXPECT_EQ(plan.reason.constraint, Constraint::Silence);
  EXPECT_TRUE(queue->directives(now).directives.empty());
  // What is heard again is believed again.
  for (int n = 0; n < 400; ++n)
    read({.waiting = 0,
          .in_flight = 0,
          .arrived_total = total,
          .done_total = total,
          .instances_ready = 7,
          .instances_set = 7});
  EXPECT_LT(queue->plan(now).instances, 7U);
}

TEST_F(WatchedQueueTest, BeforeTheFirstReadingNothingIsPlannedAway) {
  settings.scaling.instances_min = 3;
  make();
  EXPECT_EQ(queue->plan(now).instances, 3U);
  EXPECT_TRUE(queue->silent(now));
}

TEST_F(WatchedQueueTest, AFitIsAskedForOnceAndItsForecastUsed) {
  flow(17, 20, 4);
  const std::optional<FitRequest> request = queue->take_fit(now);
  ASSERT_TRUE(request);
  EXPECT_EQ(request->arrivals.size(), queue->history().closed());
  EXPECT_EQ(request->start + request->step * static_cast<Duration::rep>(request->arrivals.size()),
            queue->history().open_start());
  EXPECT_FALSE(queue->take_fit(now));
  ModelForecast forecast{.model = ModelId::Ensemble, .forecast = {}};
  forecast.forecast.start = queue->history().open_start();
  forecast.forecast.step = request->step;
  forecast.forecast.values.assign(60 * kForecastLevelCount, 40);
  queue->accept({.queue = kQueue, .serial = request->serial + 1, .forecasts = {forecast}});
  EXPECT_EQ(queue->forecast(now), nullptr);  // of another request
  queue->accept({.queue = kQueue, .serial = request->serial, .forecasts = {forecast}});
  ASSERT_NE(queue->forecast(now), nullptr);
  EXPECT_EQ(queue->forecast(now)->model, ModelId::Ensemble);
}

TEST_F(WatchedQueueTest, WhatWasMeasuredBeforeIsKnownFromTheStart) {
  HistoryRestored past{.queue = kQueue,
                       .start = now - 100 * 10s,
                       .arrivals = std::vector<float>(100, 5),
                       .bytes = {},
                       .work_seconds = {},
                       .service_seconds = {}};
  queue->restore(now, past);
  flow(3, 20);
  EXPECT_GE(queue->history().closed(), 100U);
  EXPECT_TRUE(queue->take_fit(now));
}

TEST_F(WatchedQueueTest, TheSameReadingsGiveTheSamePlans) {
  const auto course = [this] {
    make();
    now = TimePoint(1'700'000'000s);
    total = 1000;
    std::vector<ScalingPlan> plans;
    for (std::uint64_t n = 0; n < 100; ++n) {
      flow(1, 5 + n % 7, 1 + n % 3);
      plans.push_back(queue->plan(now));
    }
    return plans;
  };
  EXPECT_EQ(course(), course());
}

/// Two watches of one queue, the second begun where the first might have stopped.
class SecondWatchTest : public WatchedQueueTest {
 protected:
  /// Bursts in the middle of each minute, of runs of 3 s; instances start in 25 s. A plan is made each time,
  /// as control does, by each of `watches`.
  void live(int readings, const std::vector<WatchedQueue*>& watches) {
    for (int n = 0; n < readings; ++n, ++turn_) {
      const std::uint64_t burst = turn_ % 12 >= 4 && turn_ % 12 < 6 ? 30 : turn_ % 36 == 20 ? 3 : 0;
      total += burst;
      const QueueReading reading{.waiting = burst / 3,
                                 .in_flight = burst > 0 ? 12 : 1,
                                 .arrived_total = total,
                                 .done_total = total - burst / 3,
                                 .instances_ready = 4,
                                 .instances_set = 4};
      for (WatchedQueue* watch : watches) {
        watch->observe(now, reading);
        if (const auto request = watch->take_fit(now)) watch->accept(fitted(*request));
        watch->plan(now);
      }
      now += 5s;
    }
  }
  /// Of two models the first is bad.
  ForecastFitted fitted(const FitRequest& request) const {
    ForecastFitted answer{.queue = kQueue, .serial = request.serial, .forecasts = {}};
    for (const auto& [model, value] :
         {std::pair(ModelId::SeasonalQuantiles, 500.0F), {ModelId::Ensemble, 9.0F}}) {
      ModelForecast& each = answer.forecasts.emplace_back();
      each.model = model;
      each.forecast.start = queue->history().open_start();
      each.forecast.step = request.step;
      each.forecast.values.assign(60 * kForecastLevelCount, value);
    }
    return answer;
  }
  /// What the history has of it.
  HistoryRestored past() const {
    const IntervalCounts& counted = queue->history();
    HistoryRestored past;
    past.queue = kQueue;
    past.arrivals = counted.arrivals(counted.closed());
    past.start = counted.open_start() - counted.step() * static_cast<Duration::rep>(past.arrivals.size());
    return past;
  }
  int turn_ = 0;
};

TEST_F(SecondWatchTest, PlansAsTheFirstWouldHaveGoneOnPlanning) {
  for (int n = 0; n < 5; ++n) queue->observe_start(25s);
  live(1441, {&*queue});  // two hours, and the reading that ends a step
  now -= 5s;
  WatchedQueue next(settings), forgetful(settings);
  const std::optional<WatchMemory> memory = queue->memory(now);
  ASSERT_TRUE(memory);
  for (WatchedQueue* each : {&next, &forgetful}) each->restore(now, past());
  next.restore(now, *memory);
  --turn_;
  total -= turn_ % 12 >= 4 && turn_ % 12 < 6 ? 30 : turn_ % 36 == 20 ? 3 : 0;
  // The reading at which the first stops is the one with which the next begins.
  live(1, {&next, &forgetful});
  int forgotten = 0;
  for (int n = 0; n < 360; ++n) {
    live(1, {&*queue, &next, &forgetful});
    const ScalingPlan plan = queue->plan(now), same = next.plan(now), other = forgetful.plan(now);
    // Which run stands for the next message is drawn anew, so that later they part a little.
    if (n < 24)
      ASSERT_EQ(same.instances, plan.instances) << n;
    else
      ASSERT_NEAR(same.instances, plan.instances, 3) << n;
    ASSERT_EQ(same.reason.constraint, plan.reason.constraint) << n;
    ASSERT_EQ(same.reason.lead, plan.reason.lead) << n;
    ASSERT_EQ(same.reason.keep_price_seconds, plan.reason.keep_price_seconds) << n;
    ASSERT_EQ(next.forecast(now)->model, queue->forecast(now)->model) << n;
    const bool same_plan = other.instances == plan.instances &&
                           other.reason.keep_price_seconds == plan.reason.keep_price_seconds &&
                           forgetful.forecast(now)->model == queue->forecast(now)->model;
    forgotten += n < 24 && !same_plan ? 1 : 0;
  }
  EXPECT_EQ(forgotten, 24) << "nothing of what was learnt shows in the plans";
}

TEST_F(SecondWatchTest, ThereIsNothingToKeepOfAQueueThatNothingWasLearntOf) {
  EXPECT_EQ(queue->memory(now), std::nullopt);
  flow(3, 0);
  EXPECT_EQ(queue->memory(now), std::nullopt);
  flow(3, 5);
  const std::optional<WatchMemory> memory = queue->memory(now);
  ASSERT_TRUE(memory);
  EXPECT_EQ(memory->learnt, 10U);
}

TEST_F(SecondWatchTest, OfStartTimesWhoeverHasSeenMoreIsRight) {
  const auto watch = [this](int starts, Duration each) {
    WatchedQueue one(settings);
    for (int n = 0; n < starts; ++n) one.observe_start(each);
    return one;
  };
  const auto lead = [this](WatchedQueue& one) { return seconds(one.plan(now).reason.lead); };
  const WatchMemory thirty = *watch(30, 40s).memory(now);
  WatchedQueue follower = watch(0, 0s), newcomer = watch(2, 90s), old = watch(50, 5s);
  for (WatchedQueue* each : {&follower, &newcomer, &old}) each->restore(now, thirty);
  EXPECT_NEAR(lead(follower), 40, 2);
  EXPECT_NEAR(lead(newcomer), 40, 2);
  EXPECT_NEAR(lead(old), 5, 1);
}

TEST_F(SecondWatchTest, TakesTheRestOfWhatHasADamagedPartOrWasLearntUnderOtherSettings) {
  for (int n = 0; n < 5; ++n) queue->observe_start(25s);
  live(300, {&*queue});
  const WatchMemory memory = *queue->memory(now);
  WatchMemory damaged = memory;
  damaged.scaler->cold.pop_back();
  damaged.choice.naive_sum = NAN;
  damaged.service.buckets.assign(1, -1);
  WatchedQueue next(settings);
  next.restore(now, damaged);
  const std::optional<WatchMemory> taken = next.memory(now);
  EXPECT_FALSE(taken) << "nothing that the scaler learnt";
  EXPECT_NEAR(seconds(next.plan(now).reason.lead), 25, 1);
  EXPECT_EQ(next.service_time().observed, 0U);

  settings.scaling.instances_max = 60;
  WatchedQueue other(settings);
  other.restore(now, memory);
  EXPECT_FALSE(other.memory(now));
  EXPECT_GT(other.service_time().observed, 0U);
}

/// A queue whose metrics tell of minutes, some minutes late.
class PeriodsTest : public WatchedQueueTest {
 protected:
  PeriodsTest() {
    settings.forecast.step = 60s;
    settings.silent_after = 60s;
    settings.lag = 5min;
    make();
  }
  /// The minute that ends so long before now.
  void tell(std::optional<double> arrived, Duration age = 3min, std::optional<double> done = 60) {
    const TimePoint to = now - age;
    queue->observe(now, {.waiting = 3,
                         .in_flight = 2,
                         .instances_set = 2,
                         .period = ReadingPeriod{to - 60s, to, arrived, done}});
    now += 60s;
  }
};

TEST_F(PeriodsTest, WhatCameIsCountedWhereItBelongs) {
  now = TimePoint(1'700'000'040s);
  for (int n = 0; n < 4; ++n) tell(60 + n);
  const std::vector<float> arrivals = queue->history().arrivals(10);
  ASSERT_EQ(arrivals.size(), 4U);
  for (std::size_t n = 0; n < 4; ++n) EXPECT_FLOAT_EQ(arrivals[n], 60.0F + static_cast<float>(n));
  EXPECT_EQ(queue->history().open_start(), now - 60s - 3min) << "the history ends with what is known";
  EXPECT_EQ(queue->service_time().mean, 2s);
}

TEST_F(PeriodsTest, TimePassesWithoutZeros) {
  now = TimePoint(1'700'000'040s);
  for (int n = 0; n < 12; ++n) tell(60);
  now += 10min;
  queue->observe_silence(now);
  queue->take_fit(now);
  EXPECT_EQ(queue->history().closed(), 12U);
  EXPECT_TRUE(queue->silent(now));
  // The cloud has kept what nobody asked for meanwhile.
  for (int n = 13; n > 3; --n)
    queue->observe(now, {.waiting = 0, .period = ReadingPeriod{now - (n + 1) * 60s, now - n * 60s, 7, {}}});
  EXPECT_EQ(queue->history().closed(), 22U);
  for (const float step : queue->history().arrivals(10)) EXPECT_FLOAT_EQ(step, 7);
}

TEST_F(PeriodsTest, LateIsNotSilent) {
  tell(60, 5min);
  EXPECT_FALSE(queue->silent(now));
  EXPECT_TRUE(queue->silent(now + 1s));
}

TEST_F(PeriodsTest, APeriodThatIsNotToldIsAGap) {
  now = TimePoint(1'700'000'040s);
  tell(60);
  now += 60s;
  tell(60);
  tell(60, 4min);  // again
  tell(std::nullopt, 3min, std::nullopt);
  const std::vector<float> arrivals = queue->history().arrivals(10);
  ASSERT_EQ(arrivals.size(), 5U);
  EXPECT_TRUE(std::isnan(arrivals[1]));
  EXPECT_FLOAT_EQ(arrivals[2], 60);
  EXPECT_TRUE(std::isnan(arrivals[3]));
}

TEST_F(PeriodsTest, WithoutACountArrivalsFollowFromWhatIsThereAndWhatIsDone) {
  now = TimePoint(1'700'000'040s);
  tell(std::nullopt);
  tell(std::nullopt);
  const std::vector<float> arrivals = queue->history().arrivals(10);
  ASSERT_EQ(arrivals.size(), 1U);
  EXPECT_FLOAT_EQ(arrivals[0], 60);
}

TEST_F(PeriodsTest, WhatWasRestoredGoesOnWithTheNextPeriod) {
  now = TimePoint(1'700'000'040s);
  HistoryRestored past;
  past.queue = kQueue;
  past.start = now - 10min;
  past.arrivals = {1, 2, 3, 4, 5, NAN, NAN, NAN, NAN, NAN};
  queue->restore(now, past);
  tell(50, 6min);  // known already
  tell(70, 5min);  // the first that is not
  const std::vector<float> arrivals = queue->history().arrivals(10);
  ASSERT_EQ(arrivals.size(), 6U);
  EXPECT_FLOAT_EQ(arrivals[4], 5);
  EXPECT_FLOAT_EQ(arrivals[5], 70);
}

TEST_F(PeriodsTest, WhatIsToldToTheTargetCountsBetweenTwoReadings) {
  tell(60);
  queue->observe_instances(7, 9);
  now += 10min;
  EXPECT_EQ(queue->plan(now).instances, 9U);
  EXPECT_EQ(queue->reading().instances_ready, 7U);
}

}  // namespace
}  // namespace forewarm
