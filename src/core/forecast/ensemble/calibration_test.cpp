#include "core/forecast/ensemble/calibration.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/random.h"

namespace forewarm {
namespace {

constexpr double kNormalScores[] = {-2.326348, -1.644854, -1.281552, -0.674490, 0,
                                    0.674490,  1.281552,  1.644854,  2.326348};

LevelValues normal_row(double mean, double deviation) {
  LevelValues row{};
  for (std::size_t level = 0; level < kForecastLevelCount; ++level)
    row[level] = mean + deviation * kNormalScores[level];
  return row;
}

/// Shares of values with mean 100 and deviation 20 that lie below each quantile, while it learns from them.
LevelValues shares_below(Calibration& calibration, const LevelValues& said, Random& random, int count) {
  LevelValues below{};
  for (int i = 0; i < count; ++i) {
    const double value = 100 + 20 * random.normal();
    const LevelValues row = calibration.apply(1, said);
    for (std::size_t level = 0; level < kForecastLevelCount; ++level)
      below[level] += (value <= row[level] ? 1.0 : 0.0) / count;
    calibration.observe(1, said, value);
  }
  return below;
}

void expect_levels_reached(const LevelValues& said) {
  Random random(4);
  Calibration calibration;
  shares_below(calibration, said, random, 6000);
  const LevelValues below = shares_below(calibration, said, random, 6000);
  for (std::size_t level = 0; level < kForecastLevelCount; ++level)
    EXPECT_NEAR(below[level], kForecastLevels[level], 0.015) << level;
}

TEST(Calibration, QuantilesThatAreRightStay) {
  Random random(3);
  Calibration calibration;
  const LevelValues said = normal_row(100, 20);
  shares_below(calibration, said, random, 3000);
  const LevelValues row = calibration.apply(1, said);
  for (std::size_t level = 0; level < kForecastLevelCount; ++level)
    EXPECT_NEAR(row[level], said[level], 12) << level;
}

TEST(Calibration, WhatIsTooNarrowIsWidenedUntilItCoversWhatItSays) {
  expect_levels_reached(normal_row(100, 15));
}

TEST(Calibration, WhatIsTooWideIsNarrowed) {
  expect_levels_reached(normal_row(100, 28));
}

TEST(Calibration, WhatIsTooLowIsLifted) {
  expect_levels_reached(normal_row(92, 20));
}

TEST(Calibration, ZerosSayNothingAgainstZeroQuantiles) {
  Random random(6);
  Calibration calibration;
  const LevelValues sparse = {0, 0, 0, 0, 0, 0, 0, 1, 3};  // nine of ten steps are empty
  for (int i = 0; i < 5000; ++i) {
    const double u = random.uniform();
    calibration.observe(1, sparse, u < 0.92 ? 0 : u < 0.97 ? 1 : 3);
  }
  const LevelValues row = calibration.apply(1, sparse);
  for (std::size_t level = 0; level <= 5; ++level) EXPECT_EQ(row[level], 0) << level;
  EXPECT_NEAR(row[7], 1, 0.5);
  EXPECT_NEAR(row[8], 3, 1.5);
}

TEST(Calibration, EachBandOfLeadsLearnsForItself) {
  Calibration calibration;
  const LevelValues said = normal_row(100, 20);
  for (int i = 0; i < 500; ++i) calibration.observe(1, said, 160);
  EXPECT_GT(calibration.apply(2, said)[4], said[4] + 1);
  EXPECT_EQ(calibration.apply(30, said), said);
}

TEST(Calibration, StaysOrderedNonNegativeAndBoundedWhateverComes) {
  Calibration calibration;
  const LevelValues said = {0, 0, 1, 2, 3, 5, 8, 13, 40};
  for (const double value : {0.0, 1e15, 1e15, 0.0, 0.0, 5.0}) {
    for (int i = 0; i < 3000; ++i) calibration.observe(20, said, value);
    const LevelValues row = calibration.apply(20, said);
    double before = 0;
    for (const double quantile : row) {
      ASSERT_GE(quantile, before);
      before = quantile;
    }
    EXPECT_LT(row.back(), 200);
    EXPECT_TRUE(calibration.is_sound());
  }
}

}  // namespace
}  // namespace forewarm
