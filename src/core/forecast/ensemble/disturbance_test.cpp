#include "core/forecast/ensemble/disturbance.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "base/random.h"

namespace forewarm {
namespace {

ValueHistory steady(std::size_t steps) {
  Random random(3);
  std::vector<float> values;
  for (std::size_t t = 0; t < steps; ++t) values.push_back(static_cast<float>(random.poisson(50)));
  ValueHistory history;
  history.assign(values);
  return history;
}

TEST(Disturbance, ASteadySeriesHasNone) {
  const ValueHistory history = steady(1000);
  const Disturbance now = DisturbanceScale(history).at(history, history.size());
  EXPECT_NEAR(now.level, 0, 0.2);
  EXPECT_LT(now.rare_level, 1);
  EXPECT_LT(now.rare_extremes, 1);
}

TEST(Disturbance, AnOutageIsALowLevelAndRare) {
  ValueHistory history = steady(1000);
  const DisturbanceScale scale(history);
  for (int i = 0; i < 10; ++i) history.push(0);
  const Disturbance now = scale.at(history, history.size());
  EXPECT_LT(now.level, -1.5);
  EXPECT_LT(now.lowest, -1.5);
  EXPECT_EQ(now.rare_level, 2);
  EXPECT_EQ(now.rare_extremes, 2);
}

TEST(Disturbance, ABurstThatIsOverIsInTheExtremesAndNotInTheLevel) {
  ValueHistory history = steady(1000);
  const DisturbanceScale scale(history);
  for (int i = 0; i < 6; ++i) history.push(500);
  for (int i = 0; i < 12; ++i) history.push(50);
  const Disturbance now = scale.at(history, history.size());
  EXPECT_NEAR(now.level, 0, 0.2);
  EXPECT_GT(now.highest, 2);
  EXPECT_EQ(now.rare_extremes, 2);
}

TEST(Disturbance, AJumpThatIsUsualIsNotRare) {
  ValueHistory history;
  for (int t = 0; t < 1000; ++t) history.push(t % 60 < 6 ? 80 : 0);
  const DisturbanceScale scale(history);
  for (int i = 0; i < 6; ++i) history.push(80);
  EXPECT_LT(scale.at(history, history.size()).rare_level, 1.7);
}

TEST(Disturbance, TooFewValuesSayNothing) {
  ValueHistory history;
  const DisturbanceScale nothing(history);
  EXPECT_EQ(nothing.at(history, 0).level, 0);
  for (int i = 0; i < 200; ++i) history.push(i < 195 ? std::numeric_limits<float>::quiet_NaN() : 1e6F);
  const Disturbance now = DisturbanceScale(history).at(history, history.size());
  EXPECT_EQ(now.level, 0);
  EXPECT_EQ(now.rare_extremes, 0);
  EXPECT_TRUE(nothing.is_sound());
}

}  // namespace
}  // namespace forewarm
