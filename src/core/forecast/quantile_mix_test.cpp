#include "core/forecast/quantile_mix.h"

#include <gtest/gtest.h>

namespace forewarm {
namespace {

LevelValues all(double value) {
  LevelValues row{};
  row.fill(value);
  return row;
}

/// What the mix says at a lead of these sources.
double mixed(const MixWeights& weights, std::size_t lead, const std::vector<LevelValues>& said,
             std::size_t level) {
  LevelValues mix{};
  for (std::size_t s = 0; s < said.size(); ++s) weights.add(BetweenBands(lead), s, said[s], mix);
  return mix[level];
}

TEST(QuantileMix, WithoutPointsAllSourcesCountTheSame) {
  const MixWeights weights = MixWeights::learn({}, 4);
  for (const std::size_t lead : {1U, 10U, 100U}) {
    EXPECT_NEAR(mixed(weights, lead, {all(0), all(10), all(20), all(30)}, 0), 15, 1e-9);
    EXPECT_NEAR(mixed(weights, lead, {all(0), all(10), all(20), all(30)}, kForecastLevelCount - 1), 15, 1e-9);
  }
}

TEST(QuantileMix, AnExactSourceTakesAll) {
  std::vector<MixPoint> points;
  for (std::size_t i = 0; i < 120; ++i) {
    const double value = i % 10 == 0 ? 50 : 0;
    points.push_back({.said = {all(value), all(5)}, .value = value, .lead = 1 + i % 40});
  }
  const MixWeights weights = MixWeights::learn(points, 2);
  for (const std::size_t lead : {1U, 10U, 40U}) {
    EXPECT_TRUE(weights.uses(BetweenBands(lead), 0));
    EXPECT_NEAR(mixed(weights, lead, {all(50), all(0)}, 4), 50, 1);
  }
}

TEST(QuantileMix, SourcesThatAreWrongOnBothSidesAreMixed) {
  std::vector<MixPoint> points;
  for (std::size_t i = 0; i < 200; ++i)
    points.push_back(
        {.said = {all(8), all(12)}, .value = 10 + (i % 3 == 0 ? 0.5 : -0.25), .lead = 1 + i % 40});
  const MixWeights weights = MixWeights::learn(points, 2);
  EXPECT_NEAR(mixed(weights, 2, {all(8), all(12)}, 4), 10, 0.8) << "better than either alone";
}

TEST(QuantileMix, WeightsDifferByLead) {
  std::vector<MixPoint> points;
  for (std::size_t i = 0; i < 300; ++i) {
    const bool near = i % 2 == 0;
    points.push_back(
        {.said = {all(near ? 10 : 30), all(near ? 30 : 10)}, .value = 10, .lead = near ? 2U : 40U});
  }
  const MixWeights weights = MixWeights::learn(points, 2);
  const std::vector<LevelValues> said = {all(0), all(100)};
  EXPECT_LT(mixed(weights, 2, said, 4), 40);
  EXPECT_GT(mixed(weights, 40, said, 4), 60);
}

}  // namespace
}  // namespace forewarm
