#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <sstream>
#include <string>

#include "base/random.h"
#include "core/forecast/models/croston.h"
#include "core/forecast/models/intermittent_sizes.h"
#include "core/forecast/models/models.h"
#include "core/forecast/models/phase_means.h"

namespace forewarm {
namespace {

constexpr std::size_t kMiddle = 4;
constexpr std::size_t kHighest = kForecastLevelCount - 1;

struct CrostonCase {
  double alpha = 0;
  double forecast = 0;
  std::vector<double> values;
};

std::vector<CrostonCase> croston_cases() {
  std::ifstream file(std::string(FOREWARM_SOURCE_DIR) + "/tests/reference/croston/croston.csv");
  std::vector<CrostonCase> cases;
  std::string line;
  std::getline(file, line);
  while (std::getline(file, line)) {
    CrostonCase one;
    char comma = 0;
    std::istringstream cells(line);
    cells >> one.alpha >> comma >> one.forecast >> comma;
    for (double value = 0; cells >> value;) one.values.push_back(value);
    cases.push_back(one);
  }
  return cases;
}

IntermittentRate smoothed(const std::vector<double>& values, IntermittentMethod method, double alpha) {
  IntermittentRate rate{.method = method, .alpha = alpha};
  for (const double value : values) rate.update(value, 1);
  return rate;
}

std::unique_ptr<Forecaster> fitted(const std::vector<float>& values,
                                   const std::vector<std::uint32_t>& seasons) {
  std::unique_ptr<Forecaster> model = make_intermittent();
  EXPECT_TRUE(model->fit({.start = TimePoint(1'700'000'000s),
                          .step = 60s,
                          .values = values,
                          .regressors = {},
                          .seasons = seasons}));
  return model;
}

TEST(IntermittentRate, CrostonsForecastIsThatOfR) {
  const std::vector<CrostonCase> cases = croston_cases();
  ASSERT_EQ(cases.size(), 9U);
  for (const CrostonCase& one : cases) {
    ASSERT_EQ(one.values.size(), 120U);
    const double ours = smoothed(one.values, IntermittentMethod::Croston, one.alpha).expected();
    EXPECT_NEAR(ours, one.forecast, 1e-8) << one.alpha;
    const double unbiased = smoothed(one.values, IntermittentMethod::Sba, one.alpha).expected();
    EXPECT_NEAR(unbiased, one.forecast * (1 - one.alpha / 2), 1e-8) << one.alpha;
  }
}

TEST(IntermittentRate, TheOddsOfADemandFallInSilenceAsTheClosedFormSays) {
  // First demand after 4 steps: odds of 1/4; each step moves them by alpha towards what came.
  const double alpha = 0.2;
  std::vector<double> values = {0, 0, 0, 6, 0, 2};
  double odds = 0.25, size = 6;
  odds += alpha * (0 - odds);
  odds += alpha * (1 - odds);
  size += alpha * (2 - size);
  EXPECT_NEAR(smoothed(values, IntermittentMethod::Tsb, alpha).expected(), odds * size, 1e-12);
  values.resize(values.size() + 50, 0);
  EXPECT_NEAR(smoothed(values, IntermittentMethod::Tsb, alpha).expected(), odds * size * std::pow(0.8, 50),
              1e-12);
  // Croston's waits for a demand.
  EXPECT_GT(smoothed(values, IntermittentMethod::Croston, alpha).expected(), 0.5);
}

TEST(IntermittentRate, AClockThatRunsWithTheSeasonMakesTheRateOne) {
  // A demand at every tenth step, where all the exposure is.
  for (const IntermittentMethod method : {IntermittentMethod::Croston, IntermittentMethod::Tsb}) {
    IntermittentRate rate{.method = method, .alpha = 0.1};
    for (int t = 0; t < 400; ++t) rate.update(t % 10 == 9 ? 5 : 0, t % 10 == 9 ? 1 : 0);
    EXPECT_NEAR(rate.rate(), 1, 1e-9);
  }
}

TEST(SizeSample, CompoundQuantilesAreZeroUpToTheOddsOfNothing) {
  std::vector<WeightedValue> sizes;
  for (int i = 100; i > 0; --i) sizes.push_back({i - 0.5, 1});  // uniform on 0 to 100
  const SizeSample sample(sizes);
  const LevelValues row = sample.compound(0.4);
  for (std::size_t level = 0; level < kForecastLevelCount; ++level) {
    const double above = kForecastLevels[level] - 0.6;
    EXPECT_NEAR(row[level], above > 0 ? 100 * above / 0.4 : 0, 1e-9) << kForecastLevels[level];
  }
  for (const double value : sample.compound(0)) EXPECT_EQ(value, 0);
  EXPECT_NEAR(sample.compound(1)[kMiddle], 50, 1e-9);
}

TEST(PhaseMeans, LeanTowardsTheMeanOfAllWhereLittleIsKnown) {
  PhaseMeans means({.period = 4, .keep = 1, .lean = 0.5});
  for (std::uint64_t t = 0; t < 40; ++t) means.update(t, t % 4 == 2 ? 8 : 0, 1);
  EXPECT_DOUBLE_EQ(means.overall(), 2);
  EXPECT_NEAR(means.at(42), (80 + 0.5 * 2) / 10.5, 1e-12);
  EXPECT_NEAR(means.at(43), 0.5 * 2 / 10.5, 1e-12);
  PhaseMeans wide({.period = 6, .width = 4, .keep = 1, .lean = 0});
  for (std::uint64_t t = 0; t < 6; ++t) wide.update(t, static_cast<double>(t), 1);
  EXPECT_DOUBLE_EQ(wide.at(0), 1.5);  // of 0, 1, 2, 3
  EXPECT_DOUBLE_EQ(wide.at(5), 4.5);  // of 4, 5: the last bin is narrower
}

TEST(Intermittent, QuantilesOfSparseDemandAreThoseOfTheCompound) {
  Random random(11);
  std::vector<float> values(6000);
  for (float& value : values) {
    value = random.chance(0.2) ? 10 + 10 * static_cast<float>(random.uniform()) : 0;
  }
  const Forecast forecast = fitted(values, {})->predict(40, {});
  for (std::size_t h = 0; h < 40; ++h) {
    EXPECT_EQ(forecast.at(h, 5), 0) << h;          // 75 %: below the 80 % of nothing
    EXPECT_NEAR(forecast.at(h, 6), 15, 3) << h;    // 90 %: half of the demands
    EXPECT_NEAR(forecast.at(h, 7), 17.5, 2) << h;  // 95 %: three quarters
    EXPECT_NEAR(forecast.at(h, kHighest), 19.5, 1) << h;
  }
}

TEST(Intermittent, FollowsTheSeasonOfOccurrenceAndTheSizesOfItsPhases) {
  // Two timers of one hour: a large batch always, a small one in every other hour by chance.
  Random random(3);
  std::vector<float> values(60 * 40);
  for (std::size_t t = 0; t < values.size(); ++t) {
    values[t] = t % 60 == 7 ? 300 : t % 60 == 31 && random.chance(0.5) ? 4 : 0;
  }
  const Forecast forecast = fitted(values, {60})->predict(60, {});
  EXPECT_NEAR(forecast.at(7, 1), 300, 1);
  EXPECT_NEAR(forecast.at(7, kHighest), 300, 1);
  EXPECT_EQ(forecast.at(31, 2), 0);
  EXPECT_NEAR(forecast.at(31, kHighest), 4, 1);
  EXPECT_EQ(forecast.at(20, 7), 0);
}

TEST(Intermittent, ASeriesThatFallsSilentIsBelievedToBeSilent) {
  Random random(8);
  std::vector<float> values(3000);
  for (std::size_t t = 0; t < values.size(); ++t) {
    // Long spells of demand and long silences, as of a service that is switched on and off.
    values[t] = (t / 150) % 2 == 0 && random.chance(0.6) ? 3 : 0;
  }
  const std::unique_ptr<Forecaster> model = fitted(values, {});
  for (int i = 0; i < 60; ++i) model->update(3, {});
  EXPECT_EQ(model->predict(1, {}).at(0, kMiddle), 3);
  for (int i = 0; i < 100; ++i) model->update(0, {});
  EXPECT_EQ(model->predict(1, {}).at(0, 6), 0);
}

}  // namespace
}  // namespace forewarm
