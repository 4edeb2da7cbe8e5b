#include "core/history/duration_sketch.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>

#include "base/random.h"

namespace forewarm {
namespace {

constexpr double kForever = 1e12;  // a half-life under which nothing fades within a test

void expect_close(Duration estimate, Duration truth, double level) {
  const double tolerance = 0.02 * static_cast<double>(truth.count()) + 0.5;  // half a microsecond of rounding
  EXPECT_NEAR(static_cast<double>(estimate.count()), static_cast<double>(truth.count()), tolerance) << level;
}

void expect_quantiles_within_two_percent(const std::function<double(Random&)>& draw_seconds) {
  Random random(21);
  DurationSketch sketch(kForever);
  std::vector<Duration> all;
  double sum = 0;
  for (int i = 0; i < 20'000; ++i) {
    const Duration value = from_seconds(draw_seconds(random));
    sketch.observe(value);
    all.push_back(value);
    sum += seconds(value);
  }
  std::sort(all.begin(), all.end());
  for (const double level : {0.0, 0.01, 0.25, 0.5, 0.9, 0.95, 0.99, 0.999, 1.0}) {
    expect_close(sketch.quantile(level), all[static_cast<std::size_t>(level * 19'999)], level);
  }
  EXPECT_NEAR(seconds(sketch.mean()), sum / 20'000, 1e-5 * sum / 20'000 + 1e-6);
  EXPECT_EQ(sketch.observed(), 20'000U);
}

TEST(DurationSketch, QuantilesAreWithinTwoPercentOfTheTrueOnes) {
  expect_quantiles_within_two_percent([](Random& random) { return 0.001 + random.uniform(); });
  expect_quantiles_within_two_percent([](Random& random) { return random.exponential(0.05); });
  expect_quantiles_within_two_percent([](Random& random) { return random.log_normal(-1, 2.5); });
  expect_quantiles_within_two_percent([](Random& random) { return random.chance(0.9) ? 2e-6 : 3000.0; });
  expect_quantiles_within_two_percent([](Random& random) { return 1 / (1e-9 + random.uniform()); });
  expect_quantiles_within_two_percent([](Random&) { return 0.25; });
}

TEST(DurationSketch, CountsWhatIsLongerThanAValue) {
  DurationSketch sketch(1e9);
  EXPECT_EQ(sketch.weight_above(1s), 0);
  for (int i = 1; i <= 100; ++i) sketch.observe(Duration(1s) * i);
  EXPECT_NEAR(sketch.weight_above(75s), 25, 2);
  EXPECT_NEAR(sketch.weight_above(0s), 100, 0.01);
  EXPECT_EQ(sketch.weight_above(200s), 0);
}

TEST(DurationSketch, NothingObservedIsZeroAndOneObservationIsEveryQuantile) {
  DurationSketch sketch;
  EXPECT_EQ(sketch.mean(), 0us);
  EXPECT_EQ(sketch.quantile(0.5), 0us);
  EXPECT_EQ(sketch.weight(), 0);
  sketch.observe(100ms);
  EXPECT_EQ(sketch.mean(), 100ms);
  for (const double level : {0.0, 0.5, 1.0}) expect_close(sketch.quantile(level), 100ms, level);
}

TEST(DurationSketch, ZeroAndNegativeDurationsCountAsZero) {
  DurationSketch sketch(kForever);
  for (int i = 0; i < 60; ++i) sketch.observe(i % 2 == 0 ? 0us : -5s);
  for (int i = 0; i < 40; ++i) sketch.observe(1s);
  EXPECT_EQ(sketch.quantile(0.5), 0us);
  expect_close(sketch.quantile(0.9), 1s, 0.9);
  EXPECT_NEAR(seconds(sketch.mean()), 0.4, 1e-6);
}

TEST(DurationSketch, MemoryIsBoundedAndAnOverwideRangeLosesItsLowEndOnly) {
  DurationSketch sketch(kForever);
  for (int i = 0; i < 100; ++i) sketch.observe(Duration(1 + i));
  for (int i = 0; i < 100; ++i) sketch.observe(Duration::max());
  for (int i = 0; i < 100; ++i) sketch.observe(Duration(1 + i));
  EXPECT_GT(sketch.quantile(0.9), Duration::max() / 2);
  EXPECT_LT(sketch.quantile(0.1), 1ms);
  EXPECT_GT(sketch.quantile(0.1), 0us);
}

TEST(DurationSketch, TheNewestHalfLifeWeighsAsMuchAsAllBefore) {
  DurationSketch sketch(500);
  for (int i = 0; i < 100'000; ++i) sketch.observe(10s);
  for (int i = 0; i < 500; ++i) sketch.observe(1s);
  EXPECT_NEAR(seconds(sketch.mean()), 5.5, 0.01);
  expect_close(sketch.quantile(0.48), 1s, 0.48);
  expect_close(sketch.quantile(0.52), 10s, 0.52);
  EXPECT_NEAR(sketch.weight(), 500 / 0.6931, 2);
}

TEST(DurationSketch, AnOldRegimeIsForgottenThroughManyRenormalisations) {
  DurationSketch sketch(100);
  for (int i = 0; i < 50'000; ++i) sketch.observe(100s);
  for (int i = 0; i < 50'000; ++i) sketch.observe(20ms);
  expect_close(sketch.quantile(0.9999), 20ms, 0.9999);
  EXPECT_NEAR(seconds(sketch.mean()), 0.02, 1e-6);
}

TEST(DurationSketch, WhatAnotherObservedHasTheSameQuantilesAndCountsForLess) {
  Random random(5);
  DurationSketch before;
  for (int i = 0; i < 5000; ++i) before.observe(from_seconds(i % 10 == 0 ? 0 : random.log_normal(0, 0.5)));
  DurationSketch after;
  ASSERT_TRUE(after.restore(before.memory(), 20));
  EXPECT_NEAR(after.weight(), 20, 1e-6);
  EXPECT_EQ(after.observed(), 20U);
  EXPECT_NEAR(seconds(after.mean()), seconds(before.mean()), 1e-5);
  EXPECT_NEAR(after.weight_above(1s) / after.weight(), before.weight_above(1s) / before.weight(), 1e-4);
  EXPECT_NEAR(seconds(after.quantile(0.5)), seconds(before.quantile(0.5)), 0.1);
  for (int i = 0; i < 60; ++i) after.observe(30s);
  EXPECT_GT(after.quantile(0.5), 29s);
  EXPECT_LT(before.quantile(0.99), 20s);
}

TEST(DurationSketch, AFewObservationsComeBackAsTheyWereAndNoneAsNone) {
  DurationSketch before;
  for (const Duration each : {Duration(100ms), Duration(300ms), Duration(2s)}) before.observe(each);
  DurationSketch after;
  ASSERT_TRUE(after.restore(before.memory(), 20));
  EXPECT_EQ(after.memory(), before.memory());
  EXPECT_EQ(after.observed(), 3U);
  EXPECT_EQ(after.quantile(0.5), before.quantile(0.5));
  EXPECT_FALSE(after.restore(before.memory(), 20)) << "it has observed something";
  DurationSketch none;
  EXPECT_TRUE(none.restore(DurationSketch().memory(), 20));
  EXPECT_EQ(none.observed(), 0U);
}

}  // namespace
}  // namespace forewarm
