#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "base/random.h"
#include "core/forecast/models/models.h"
#include "core/forecast/models/self_excitation.h"

namespace forewarm {
namespace {

constexpr std::size_t kMedianLevel = 4;

double total(const SelfExcitation& excitation) {
  return std::accumulate(excitation.shares.begin(), excitation.shares.end(), 0.0);
}

/// Counts of a process with these shares around a normal of `normal` a step.
std::vector<float> excited(Random& random, SelfExcitation truth, double normal, std::size_t steps) {
  std::vector<float> values;
  const double usual[] = {normal};
  for (std::size_t t = 0; t < steps; ++t) {
    values.push_back(static_cast<float>(random.poisson(truth.expected(usual)[0])));
    truth.update(values.back(), normal);
  }
  return values;
}

SelfExcitation fitted_to(const std::vector<float>& values) {
  ValueHistory history;
  history.assign(values);
  return fit_excitation(history, CountSeason(PhaseMeans({.period = 1, .keep = 0.98})));
}

TEST(SelfExcitation, ExpectationDecaysToNormalAsTheClosedFormSays) {
  for (std::size_t k = 0; k < SelfExcitation::kSteps.size(); ++k) {
    // One kernel averaging over s steps, share a: each step leaves 1 - (1 - a) / s of what is above normal.
    SelfExcitation excitation;
    excitation.shares[k] = 0.6;
    excitation.above[k] = 50;
    const std::vector<double> normal(80, 7.0);
    const std::vector<double> expected = excitation.expected(normal);
    for (std::size_t h = 0; h < 80; ++h) {
      const double left = std::pow(1 - 0.4 / SelfExcitation::kSteps[k], static_cast<double>(h));
      ASSERT_NEAR(expected[h], 7 + 0.6 * 50 * left, 1e-9) << k << " " << h;
    }
  }
}

TEST(SelfExcitation, SharesOfASimulatedProcessAreFoundAgain) {
  Random random(1);
  SelfExcitation truth;
  truth.shares = {0.3, 0, 0.4, 0, 0};
  const SelfExcitation found = fitted_to(excited(random, truth, 5, 20'000));
  EXPECT_NEAR(total(found), 0.7, 0.08);
  EXPECT_NEAR(found.shares[0] + found.shares[1], 0.3, 0.08);
  EXPECT_NEAR(found.shares[2] + found.shares[3], 0.4, 0.12);
}

TEST(SelfExcitation, IndependentCountsDoNotExciteEachOther) {
  Random random(2);
  EXPECT_LT(total(fitted_to(excited(random, {}, 3, 8000))), 0.08);
}

TEST(LocalArrivals, ACrowdIsExpectedToLastAndThenTheSeason) {
  Random random(3);
  SelfExcitation truth;
  truth.shares = {0.2, 0.6, 0, 0, 0};
  const std::vector<float> values = excited(random, truth, 4, 6000);
  const auto model = make_local_arrivals();
  ASSERT_TRUE(
      model->fit({.start = TimePoint(0s), .step = 1s, .values = values, .regressors = {}, .seasons = {}}));
  const float quiet = model->predict(1, {}).at(0, kMedianLevel);
  for (int i = 0; i < 6; ++i) model->update(40, {});
  const Forecast forecast = model->predict(60, {});
  EXPECT_GT(forecast.at(0, kMedianLevel), quiet + 10);
  EXPECT_GT(forecast.at(4, kMedianLevel), quiet + 4);
  EXPECT_LT(forecast.at(4, kMedianLevel), forecast.at(0, kMedianLevel));
  EXPECT_NEAR(forecast.at(59, kMedianLevel), 4, 2);
}

TEST(LocalArrivals, QuantilesOfTheNextStepCoverASimulatedProcess) {
  Random random(4);
  SelfExcitation truth;
  truth.shares = {0.3, 0.3, 0.2, 0, 0};
  const std::vector<float> all = excited(random, truth, 6, 5000);
  const auto model = make_local_arrivals();
  ASSERT_TRUE(model->fit({.start = TimePoint(0s),
                          .step = 1s,
                          .values = std::span(all).first(3000),
                          .regressors = {},
                          .seasons = {}}));
  double above_median = 0, above_high = 0;
  for (std::size_t t = 3000; t < all.size(); ++t) {
    const Forecast forecast = model->predict(1, {});
    above_median += all[t] > forecast.at(0, kMedianLevel) ? 1 : 0;
    above_high += all[t] > forecast.at(0, 7) ? 1 : 0;
    model->update(all[t], {});
  }
  EXPECT_NEAR(above_median / 2000, 0.45, 0.06);  // counts are whole: less than half are above
  EXPECT_NEAR(above_high / 2000, 0.04, 0.02);
}

}  // namespace
}  // namespace forewarm
