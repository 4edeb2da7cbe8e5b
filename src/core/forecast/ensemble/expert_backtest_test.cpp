#include "core/forecast/ensemble/expert_backtest.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "base/random.h"

namespace forewarm {
namespace {

constexpr ModelId kTestedModels[] = {ModelId::ExponentialSmoothing};
constexpr std::size_t kSeasonalMix =
    9;  // after the sources of one season; its weights are learnt from all points

std::vector<float> noisy_wave(std::size_t steps) {
  Random random(8);
  std::vector<float> values;
  for (std::size_t t = 0; t < steps; ++t)
    values.push_back(static_cast<float>(random.poisson(t % 24 < 12 ? 40 : 4)));
  return values;
}

std::vector<BacktestPoint> backtest_of(const std::vector<float>& values, std::size_t horizon = 30) {
  const std::uint32_t seasons[] = {24};
  ExpertPanel panel(kTestedModels);
  return backtest(panel, {.start = {}, .values = values, .regressors = {}, .seasons = seasons}, horizon);
}

TEST(Backtest, NothingIsKnownBeforeItsTime) {
  std::vector<float> values = noisy_wave(900);
  const std::vector<BacktestPoint> points = backtest_of(values);
  constexpr std::size_t kChanged = 750;
  for (std::size_t t = kChanged; t < values.size(); ++t) values[t] = 1e6F;
  const std::vector<BacktestPoint> changed = backtest_of(values);
  ASSERT_EQ(points.size(), changed.size());
  std::size_t compared = 0;
  for (std::size_t i = 0; i < points.size(); ++i) {
    if (points[i].origin > kChanged) continue;
    for (std::size_t e = 0; e < points[i].said.size(); ++e) {
      if (e == kSeasonalMix) continue;
      ASSERT_EQ(points[i].said[e], changed[i].said[e])
          << e << ", " << points[i].origin << " + " << points[i].lead;
    }
    ++compared;
  }
  EXPECT_GT(compared, 50U);
  EXPECT_LT(compared, points.size());
}

TEST(Backtest, PointsAreWithinTheSeriesAndTheHorizon) {
  std::vector<float> values = noisy_wave(600);
  for (std::size_t t = 500; t < 520; ++t) values[t] = std::numeric_limits<float>::quiet_NaN();
  for (const BacktestPoint& point : backtest_of(values, 12)) {
    EXPECT_LE(point.lead, 12U);
    EXPECT_GE(point.origin, 400U);
    ASSERT_LE(point.origin + point.lead, 600U);
    EXPECT_EQ(point.value, values[point.origin + point.lead - 1]);  // and so never one that is not measured
  }
}

TEST(Backtest, AShortHistoryHoldsNothingBack) {
  EXPECT_TRUE(backtest_of(noisy_wave(20)).empty());
  EXPECT_TRUE(backtest_of({}).empty());
  EXPECT_TRUE(backtest_of(std::vector<float>(500, std::numeric_limits<float>::quiet_NaN())).empty());
}

BacktestPoint point_of(std::size_t lead, double value, double one, double other) {
  BacktestPoint point{.origin = 1, .lead = lead, .value = value, .said = std::vector<LevelValues>(2)};
  point.said[0].fill(one);
  point.said[1].fill(other);
  return point;
}

TEST(ExpertLosses, AreMeansByBandAndHalf) {
  const std::vector<BacktestPoint> points = {point_of(1, 10, 10, 0), point_of(2, 10, 0, 0),
                                             point_of(20, 0, 0, 10)};
  const ExpertLosses losses(points, 2);
  ASSERT_TRUE(losses.known());
  // Saying 0 where 10 comes costs ten times the sum of the levels.
  EXPECT_NEAR(losses.at(0, 0, 0), 10 * (0.01 + 0.05 + 0.1 + 0.25 + 0.5) / 2, 1e-9);
  EXPECT_NEAR(losses.at(1, 0, 1), 10 * (0.75 + 0.9 + 0.95 + 0.99), 1e-9);
  EXPECT_EQ(losses.at(0, 2, 0), 0);
  EXPECT_NEAR(losses.at(1, 2, 1), 10 * (0.25 + 0.1 + 0.05 + 0.01), 1e-9);
  // No point in the middle band: the mean of those that have some.
  EXPECT_NEAR(losses.at(0, 1, 0), 0.5 * losses.at(0, 0, 0), 1e-9);
  EXPECT_EQ(losses.at(0, 1, 0), losses.over_all(0, 0));
  EXPECT_TRUE(losses.is_sound(2));
  EXPECT_FALSE(losses.is_sound(3));
}

TEST(ExpertLosses, AreUnknownWithoutPoints) {
  EXPECT_FALSE(ExpertLosses({}, 3).known());
}

}  // namespace
}  // namespace forewarm
