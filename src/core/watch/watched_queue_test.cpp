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
