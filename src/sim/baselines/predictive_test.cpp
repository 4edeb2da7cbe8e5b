// Rules that go by what they expect, against cases computed by hand from their sources.

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

#include "sim/baselines/aws_predictive.h"
#include "sim/baselines/crane.h"
#include "sim/baselines/fourier.h"
#include "sim/baselines/holt_winters.h"
#include "sim/baselines/hybrid_histogram.h"
#include "sim/baselines/kedastral.h"
#include "sim/baselines/minute_series.h"
#include "sim/baselines/watch.h"

namespace forewarm {
namespace {

TEST(MinuteSeries, HasTheMeansOfWholeMinutesAndFillsGaps) {
  MinuteSeries series(4);
  const TimePoint begin = TimePoint(Duration(10min));
  EXPECT_FALSE(series.add(begin, 1));
  EXPECT_FALSE(series.add(begin + 59s, 3));
  EXPECT_TRUE(series.add(begin + 60s, 7));
  EXPECT_EQ(series.means(), (std::deque<double>{2}));
  EXPECT_TRUE(series.add(begin + 4min, 0));
  EXPECT_EQ(series.means(), (std::deque<double>{2, 7, 7, 7})) << "minutes 12 and 13 repeat minute 11";
  EXPECT_TRUE(series.add(begin + 1000h, 0));
  EXPECT_EQ(series.means(), (std::deque<double>{0, 0, 0, 0}));
  EXPECT_EQ(series.open_minute(), 10 + 60'000);
}

/// An application that gets one message that runs for a second, then idles.
class Application {
 public:
  Application() : watch(make_hybrid_histogram_scaler({})) {}

  void run_after(Duration idle) {
    watch.now.now += idle;
    watch.scaler().observe_start(watch.now.now, 0s);
    watch.now.backlog.in_flight = 1;
    watch.after(1s);
    watch.now.backlog.in_flight = 0;
    plan = watch.scaler().plan(watch.now);  // idle from now on
  }
  std::uint32_t loaded_at(Duration idle) {
    ScalingInputs later = watch.now;
    later.now += idle;
    return watch.scaler().plan(later).instances;
  }

  Watch watch;
  ScalingPlan plan;
};

TEST(HybridHistogram, WithoutAPatternItKeepsForTheRange) {
  Application app;
  app.run_after(0s);
  EXPECT_EQ(app.plan.instances, 0U);
  EXPECT_EQ(app.plan.keep_idle, 4h);
  for (int bin = 0; bin < 240; ++bin) app.run_after(Duration(1min) * bin + 1s);
  EXPECT_EQ(app.plan.keep_idle, 4h) << "each of the 240 bins has one idle time: no variation";
}

TEST(HybridHistogram, LoadsBeforeTheHeadAndKeepsUntilAfterTheTail) {
  Application app;
  for (int message = 0; message < 20; ++message) app.run_after(630s);
  EXPECT_EQ(app.plan.keep_idle, 0s) << "unloaded as soon as it has run";
  EXPECT_EQ(app.loaded_at(0s), 0U);
  EXPECT_EQ(app.loaded_at(539s), 0U);
  EXPECT_EQ(app.loaded_at(540s), 1U) << "bin 10 x 60 s x 0.9";
  EXPECT_EQ(app.loaded_at(540s + 725s), 1U);
  EXPECT_EQ(app.loaded_at(540s + 726s), 0U) << "(10 + 1) x 60 s x 1.1";
}

TEST(HybridHistogram, HeadAndTailAreThe5thAnd99thPercentile) {
  Application app;
  app.run_after(0s);
  for (int message = 0; message < 5; ++message) app.run_after(5min + 1s);
  for (int message = 0; message < 94; ++message) app.run_after(20min + 1s);
  app.run_after(30min + 1s);
  EXPECT_EQ(app.loaded_at(5 * 54s - 1s), 0U);
  EXPECT_EQ(app.loaded_at(5 * 54s), 1U) << "5 of 100 in bin 5";
  EXPECT_EQ(app.loaded_at(5 * 54s + 21 * 66s - 1s), 1U);
  EXPECT_EQ(app.loaded_at(5 * 54s + 21 * 66s), 0U) << "99 of 100 up to bin 20";
}

TEST(HybridHistogram, MessagesWhileOthersRunHaveNoIdleTimeAndKeepItLoaded) {
  Application app;
  app.run_after(0s);
  app.watch.now.now += 30min;
  for (int message = 0; message < 200; ++message) {
    app.watch.now.backlog.in_flight = 1;
    EXPECT_EQ(app.watch.after(1s), 1U);
    app.watch.scaler().observe_start(app.watch.now.now, 0s);
  }
  app.watch.now.backlog.in_flight = 0;
  const ScalingPlan plan = app.watch.scaler().plan(app.watch.now);
  EXPECT_EQ(plan.keep_idle, 66s) << "one of 30 minutes, 199 of none: prewarm 0, (0 + 1) x 60 s x 1.1";
  app.watch.now.backlog.ready = 3;
  app.watch.now.instances.busy = 1;
  EXPECT_EQ(app.watch.start_now(), 3U) << "beyond the paper: one each";
}

TEST(HybridHistogram, BeyondTheRangeItForecastsTheIdleTime) {
  Application app;
  for (int message = 0; message < 3; ++message) app.run_after(5h);
  EXPECT_EQ(app.loaded_at(4h + 14min), 0U);
  EXPECT_EQ(app.loaded_at(4h + 16min), 1U) << "2 idle times, their mean of 5 h x 0.85";
  EXPECT_EQ(app.loaded_at(5h + 44min), 1U);
  EXPECT_EQ(app.loaded_at(5h + 46min), 0U) << "5 h x 0.3 later";
  Application alternates;
  alternates.run_after(0s);
  for (const Duration idle : {Duration(5h), Duration(7h), Duration(5h), Duration(7h), Duration(5h)})
    alternates.run_after(idle);
  EXPECT_EQ(alternates.loaded_at(5h + 56min), 0U);
  EXPECT_EQ(alternates.loaded_at(5h + 58min), 1U) << "x = 12 h - the one before: 7 h x 0.85 = 5:57";
}

TEST(AwsPredictive, RaisesCapacityFiveMinutesBeforeAnHourThatWasBusyADayAgo) {
  Watch watch(make_aws_predictive_scaler({}));
  watch.now.service_time = {1s, 1s, 10};
  EXPECT_EQ(watch.after(5h), 1U);
  watch.now.arrivals_per_second = 7;
  EXPECT_EQ(watch.after(1h), 1U) << "less than a day of data: no forecast";
  watch.now.arrivals_per_second = 0;
  EXPECT_EQ(watch.after(18h), 1U);
  EXPECT_EQ(watch.after(5h - 5min), 1U);
  EXPECT_EQ(watch.after(1s), 10U) << "a peak of 7 / 0.7, from 4:55 on";
  EXPECT_EQ(watch.after(1h + 5min - 1s), 10U) << "never below the forecast while it holds";
  EXPECT_EQ(watch.after(1min + 1s), 9U) << "the target tracking goes down, a tenth at a time";
}

TEST(AwsPredictive, AfterAWeekTheSameHourOfTheWeekCounts) {
  Watch watch(make_aws_predictive_scaler({}));
  watch.now.service_time = {1s, 1s, 10};
  watch.after(29h);
  watch.now.arrivals_per_second = 7;
  watch.after(1h);
  watch.now.arrivals_per_second = 0;
  watch.after(18h);
  EXPECT_EQ(watch.after(5h), 5U) << "5:00 on the third day: the mean of 0 and 7 / 0.7";
  watch.after(144h - 5min);
  EXPECT_EQ(watch.after(1s), 10U) << "a week after that hour; by the day it would be 7 / 8 / 0.7, 2";
}

TEST(AwsPredictive, TheTargetTrackingUnderItScalesOut) {
  Watch watch(make_aws_predictive_scaler({.min = 4}));
  watch.now.instances.busy = 4;
  EXPECT_EQ(watch.after(3min), 4U);
  EXPECT_EQ(watch.after(1s), 6U) << "4 x 1 / 0.7";
  EXPECT_EQ(watch.after(5min - 1s), 6U) << "the cooldown";
  EXPECT_EQ(watch.after(1s), 9U) << "6 x 1 / 0.7";
}

TEST(HoltWinters, RepeatsASeasonAndSmoothsASurprise) {
  const HoltWintersSmoothing half = {0.5, 0.5, 0.5};
  std::deque<double> series;
  for (int season = 0; season < 6; ++season) series.insert(series.end(), {0, 10});
  EXPECT_EQ(holt_winters_next(series, 2, half), 0);
  series.push_back(4);
  // Level 0.5 (4 + 5) + 0.5 x 5 = 7, trend 0.5 (7 - 5) = 1, the season of the next value is 5.
  EXPECT_EQ(holt_winters_next(series, 2, half), 13);
  series.push_back(13);
  // As expected: level 8, trend 1. The season of the surprise is 0.5 (4 - 5) + 0.5 x -5 = -3.
  EXPECT_EQ(holt_winters_next(series, 2, half), 6);
  series.resize(11);
  EXPECT_FALSE(holt_winters_next(series, 2, half)) << "10 + 2 x (2 / 2) values at least";
  EXPECT_FALSE(holt_winters_next(std::deque<double>(19, 1), 10, half)) << "two seasons at least";
}

TEST(HoltWinters, PreparesForASpikeThatComesEachSeason) {
  Watch watch(make_holt_winters_scaler({.season = 6min, .hpa = {.stabilisation = 0s}}));
  const auto minute = [&](std::uint32_t messages) {
    watch.now.backlog.ready = messages;
    return watch.after(60s);
  };
  for (int season = 0; season < 4; ++season) {
    for (int quiet = 0; quiet < 5; ++quiet) minute(5);
    EXPECT_EQ(minute(40), 8U) << "40 at 5 a replica";
  }
  for (int quiet = 0; quiet < 4; ++quiet) EXPECT_EQ(minute(5), 1U) << quiet;
  EXPECT_EQ(minute(5), 8U) << "a minute early";
  watch.now.instances.idle = 8;
  EXPECT_EQ(minute(40), 8U);
}

TEST(Fourier, IsTheSumOfItsDefinitionAndItsInverse) {
  std::vector<std::complex<double>> values;
  for (int i = 0; i < 60; ++i) values.emplace_back(i * i % 17, i % 5);
  std::vector<std::complex<double>> transformed = values;
  fourier(transformed, Transform::Forward);
  for (int k = 0; k < 60; ++k) {
    std::complex<double> sum = 0;
    for (int i = 0; i < 60; ++i)
      sum += values[static_cast<std::size_t>(i)] * std::polar(1.0, -2 * std::numbers::pi * i * k / 60);
    EXPECT_NEAR(std::abs(sum - transformed[static_cast<std::size_t>(k)]), 0, 1e-9) << k;
  }
  fourier(transformed, Transform::Inverse);
  for (std::size_t i = 0; i < 60; ++i) EXPECT_NEAR(std::abs(transformed[i] / 60.0 - values[i]), 0, 1e-12);
}

double wave_of_a_day(int minute) {
  return 100 + 50 * std::sin(2 * std::numbers::pi * minute / 1440);
}

TEST(Crane, FollowsAWaveOfADayWithTheSmallestMargin) {
  std::vector<double> history;
  for (int minute = 0; minute < 1440 * 2 + 100; ++minute) history.push_back(wave_of_a_day(minute));
  const std::optional<std::vector<double>> next = crane_forecast(history);
  ASSERT_TRUE(next);
  ASSERT_EQ(next->size(), 1440U);
  for (int minute : {0, 300, 700, 1439})
    EXPECT_NEAR((*next)[static_cast<std::size_t>(minute)], 1.01 * wave_of_a_day(minute + 100), 1e-6);
}

TEST(Crane, SaysNothingWithoutTwoCyclesOrWithoutACycle) {
  std::vector<double> history(1440 * 2 - 1);
  for (std::size_t i = 0; i < history.size(); ++i) history[i] = wave_of_a_day(static_cast<int>(i));
  EXPECT_FALSE(crane_forecast(history)) << "a minute short of two days";
  EXPECT_FALSE(crane_forecast(std::vector<double>(1440 * 4, 5.0)));
  std::vector<double> slower(1440 * 4);
  for (std::size_t i = 0; i < slower.size(); ++i)
    slower[i] = wave_of_a_day(static_cast<int>(i)) + 2 * wave_of_a_day(static_cast<int>(i) / 4);
  EXPECT_FALSE(crane_forecast(slower)) << "the wave of four days is larger than that of one";
}

TEST(Crane, AMarginIsWorthItWhereTheLastCycleWasHigher) {
  std::vector<double> history;
  for (int minute = 0; minute < 1440 * 2; ++minute)
    history.push_back(wave_of_a_day(minute) * (minute < 1440 ? 1 : 1.19));
  const std::optional<std::vector<double>> next = crane_forecast(history);
  ASSERT_TRUE(next);
  // The day before with 20 % more is nearest to a day that has 19 % more.
  EXPECT_NEAR((*next)[360], 1.2 * 1.19 * 150, 1);
}

TEST(Crane, DropsSmallFastWavesWhereTheyDoNotComeBack) {
  std::vector<double> clean, history;
  for (int minute = 0; minute < 1440 * 2; ++minute) {
    const double turn = 2 * std::numbers::pi * minute / 1440;
    clean.push_back(100 + 50 * std::sin(turn) + 20 * std::sin(2 * turn) + 10 * std::sin(3 * turn));
    const double noise = (minute % 2 == 0) == (minute < 1440) ? 0.2 : -0.2;  // turned over on the second day
    history.push_back(clean.back() + noise);
  }
  const std::optional<std::vector<double>> next = crane_forecast(history);
  ASSERT_TRUE(next);
  for (std::size_t minute : {100, 101, 700, 1300})
    EXPECT_NEAR((*next)[minute], 1.01 * clean[minute], 0.02) << minute;
}

TEST(Crane, TheLargerOfTheHpasWishForTheQueueAndForTheNextHourCounts) {
  Watch watch(make_crane_scaler({.target = 10}));
  for (int minute = 0; minute <= 2880; ++minute) {
    watch.now.backlog.ready = static_cast<std::uint32_t>(std::lround(wave_of_a_day(minute)));
    watch.after(60s);
  }
  watch.now.backlog.ready = 0;
  EXPECT_EQ(watch.after(9min), 12U) << "the wave after 70 minutes is 115, x 1.01 / 10";
  watch.now.backlog.ready = 500;
  EXPECT_EQ(watch.after(1min), 50U);
}

TEST(Kedastral, MixesTrendAndSeasonsAsItsModelDoes) {
  EXPECT_DOUBLE_EQ(kedastral_forecast(std::deque<double>(30, 5.0), 59, 1), 5);
  std::deque<double> rising;
  for (int value = 1; value <= 10; ++value) rising.push_back(value);
  EXPECT_DOUBLE_EQ(kedastral_forecast(rising, 30, 2), 0.4 * 12 + 0.6 * 5.5)
      << "12 by its trend; 5.5 is the hour's mean, less than 0.8 x (12 + 1)";
  std::deque<double> spikes(121, 0.0);
  spikes[30] = spikes[90] = 60;
  EXPECT_DOUBLE_EQ(kedastral_forecast(spikes, 120, 30), 0.8 * 60) << "the minute of the hour, twice 60";
}

TEST(Kedastral, AMomentumBendsTheTrendAndFavoursTheLargest) {
  // Slopes 0 and 1 a minute: momentum 1 / 60 a second; trend of the last 10 minutes.
  std::deque<double> bend;
  for (int minute = 0; minute < 20; ++minute) bend.push_back(minute < 10 ? 0 : minute - 9);
  const double base = 10 + 1 + 0.5 / 60 * 60;
  const double season = 0.7 * 55 / 20 + 0.3 * 10;  // of the hour: mean 2.75, at most 10
  EXPECT_DOUBLE_EQ(kedastral_forecast(bend, 40, 1), 0.4 * base + 0.6 * season);
}

TEST(Kedastral, PlansTwiceAndHalfAtMostEachMinuteAndKedaFollows) {
  Watch watch(make_kedastral_scaler({.window = 2min, .keda = {.target = 1, .min = 1, .stabilisation = 0s}}));
  watch.now.service_time = {1s, 1s, 10};
  watch.now.arrivals_per_second = 10;
  EXPECT_EQ(watch.after(60s), 1U) << "no minute is over";
  EXPECT_EQ(watch.after(60s), 2U) << "ceil(1.2 x 10) = 12, but twice 1";
  EXPECT_EQ(watch.after(60s), 4U);
  EXPECT_EQ(watch.after(60s), 8U);
  EXPECT_EQ(watch.after(60s), 12U);
  watch.now.arrivals_per_second = 0;
  EXPECT_EQ(watch.after(60s), 12U) << "the minute that is over had 10 a second";
  EXPECT_EQ(watch.after(60s), 6U) << "none are expected, but half of 12";
  EXPECT_EQ(watch.after(60s), 3U);
  EXPECT_EQ(watch.after(60s), 1U);
  EXPECT_EQ(watch.after(60s), 1U) << "its minimum";
}

TEST(Kedastral, TakesTheForecastAfterTheLeadTime) {
  for (const auto& [lead, replicas] : {std::pair{Duration(60s), 30U}, std::pair{Duration(180s), 40U}}) {
    Watch watch(make_kedastral_scaler({.lead = lead, .window = 2min, .up_factor = 100}));
    watch.now.service_time = {1s, 1s, 10};
    watch.now.arrivals_per_second = 10;
    watch.after(60s);
    watch.now.arrivals_per_second = 20;
    EXPECT_EQ(watch.after(60s), 12U) << "1.2 x 10";
    // 10 and 20 rise by 10 a minute and are 15 in the mean: 1.2 (0.4 x 40 + 0.6 x 15) after two minutes, and
    // 1.2 (0.4 x 60 + 0.6 x 15) after four.
    EXPECT_EQ(watch.after(60s), replicas);
  }
}

}  // namespace
}  // namespace forewarm
