#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <sstream>
#include <string>

#include "base/random.h"
#include "core/forecast/models/count_level.h"
#include "core/forecast/models/models.h"
#include "core/forecast/models/negative_binomial.h"

namespace forewarm {
namespace {

constexpr std::size_t kHalf = 4;

struct CountCase {
  double mean = 0, spread = 0;
  LevelValues quantiles{};
  double log_probability_of_3 = 0;
};

std::vector<CountCase> count_cases() {
  std::ifstream file(std::string(FOREWARM_SOURCE_DIR) + "/tests/reference/counts/negative_binomial.csv");
  std::vector<CountCase> cases;
  std::string line;
  std::getline(file, line);
  while (std::getline(file, line)) {
    for (char& letter : line) letter = letter == ',' ? ' ' : letter;
    std::istringstream cells(line);
    CountCase one;
    cells >> one.mean >> one.spread;
    for (double& quantile : one.quantiles) cells >> quantile;
    cells >> one.log_probability_of_3;
    cases.push_back(one);
  }
  return cases;
}

Forecast forecast_counts(const std::vector<float>& values, const std::vector<std::uint32_t>& seasons,
                         std::size_t horizon) {
  const std::unique_ptr<Forecaster> model = make_count_state();
  EXPECT_TRUE(model->fit({.start = TimePoint(1'700'000'000s),
                          .step = 60s,
                          .values = values,
                          .regressors = {},
                          .seasons = seasons}));
  return model->predict(horizon, {});
}

TEST(NegativeBinomial, QuantilesAndProbabilitiesAreThoseOfR) {
  const std::vector<CountCase> cases = count_cases();
  ASSERT_GT(cases.size(), 20U);
  for (const CountCase& one : cases) {
    const NegativeBinomial counts{.mean = one.mean, .spread = one.spread};
    const LevelValues ours = counts.quantiles();
    // Exact while probabilities are added up; then a fiftieth of a standard deviation.
    const double near =
        one.mean <= 256 ? 1e-9 : 1 + 0.02 * std::sqrt(one.mean + one.spread * one.mean * one.mean);
    for (std::size_t level = 0; level < kForecastLevelCount; ++level) {
      EXPECT_NEAR(ours[level], one.quantiles[level], near)
          << one.mean << " " << one.spread << " " << kForecastLevels[level];
    }
    EXPECT_NEAR(counts.log_probability(3), one.log_probability_of_3,
                1e-6 * std::max(1.0, std::abs(one.log_probability_of_3)))
        << one.mean << " " << one.spread;
  }
}

TEST(CountLevel, IsTheConjugatePosteriorWhereNothingFades) {
  // Gamma prior, Poisson counts: shape adds up counts, rate adds up exposures.
  CountLevel level{.discount = 1 - 1e-15};
  const double counts[] = {3, 0, 5, 2}, exposures[] = {2, 1, 3, 2};
  double shape = CountLevel::kPrior, rate = CountLevel::kPrior;
  for (int i = 0; i < 4; ++i) {
    level.update(counts[i], exposures[i]);
    shape += counts[i];
    rate += exposures[i];
  }
  EXPECT_NEAR(level.shape, shape, 1e-9);
  EXPECT_NEAR(level.rate, rate, 1e-9);
  EXPECT_NEAR(level.mean(1, 1), shape / rate, 1e-9);
  EXPECT_NEAR(level.spread(), 1 / shape, 1e-9);
}

TEST(CountLevel, ForgetsAtTheRateOfItsDiscountAndReturnsToNormal) {
  CountLevel level{.discount = 0.9};
  for (int i = 0; i < 500; ++i) level.update(6, 2);
  EXPECT_NEAR(level.shape, 6 / 0.1 + CountLevel::kPrior,
              1e-6);  // a geometric sum
  EXPECT_NEAR(level.mean(1, 0.5), 3, 0.01);
  EXPECT_NEAR(level.mean(3, 0.5), 1 + 2 * 0.25, 0.01);
}

TEST(CountState, SteadyPoissonCountsGetThePoissonsQuantiles) {
  Random random(4);
  std::vector<float> values(4000);
  for (float& value : values) value = static_cast<float>(random.poisson(3));
  const Forecast forecast = forecast_counts(values, {}, 30);
  const float expected[] = {0, 1, 1, 2, 3, 4, 5, 6, 8};
  for (std::size_t h = 0; h < 30; ++h) {
    for (std::size_t level = 0; level < kForecastLevelCount; ++level) {
      EXPECT_NEAR(forecast.at(h, level), expected[level], 1) << h << " " << level;
    }
  }
}

TEST(CountState, OverdispersedCountsGetAWiderForecastThanPoissons) {
  Random random(5);
  std::vector<float> values(4000);
  for (float& value : values) {
    value = static_cast<float>(random.poisson(random.exponential(20)));  // geometric, mean 20
  }
  const Forecast forecast = forecast_counts(values, {}, 1);
  EXPECT_NEAR(forecast.at(0, 0), 0, 1);
  EXPECT_NEAR(forecast.at(0, kHalf), 14, 3);  // log(1/2) / log(20/21)
  EXPECT_NEAR(forecast.at(0, kForecastLevelCount - 1), 94,
              20);  // log(1/100) / log(20/21)
}

TEST(CountState, ShortAndLongSeasonsMultiply) {
  Random random(6);
  const auto expected = [](std::size_t t) {
    return (t % 24 == 8 ? 40.0 : 8.0) * (t % 168 >= 120 ? 0.25 : 1);
  };
  std::vector<float> values(168 * 10);
  for (std::size_t t = 0; t < values.size(); ++t) values[t] = static_cast<float>(random.poisson(expected(t)));
  const Forecast forecast = forecast_counts(values, {24, 168}, 168);
  double error = 0, total = 0;
  for (std::size_t h = 0; h < 168; ++h) {
    error += std::abs(forecast.at(h, kHalf) - expected(values.size() + h));
    total += expected(values.size() + h);
  }
  EXPECT_LT(error / total, 0.15);
}

TEST(CountState, AWanderingLevelIsWiderFartherAhead) {
  Random random(7);
  double level = 30;
  std::vector<float> values(3000);
  for (float& value : values) {
    level = std::max(2.0, level + 0.8 * random.normal());
    value = static_cast<float>(random.poisson(level));
  }
  const Forecast forecast = forecast_counts(values, {}, 64);
  EXPECT_GT(forecast.at(63, 7) - forecast.at(63, 1), 1.3F * (forecast.at(0, 7) - forecast.at(0, 1)));
}

TEST(CountState, AQuietNightDoesNotMakeAnAbsurdDay) {
  std::vector<float> values(1440 * 5);
  for (std::size_t t = 0; t < values.size(); ++t) values[t] = t % 1440 >= 720 ? 100 : t % 60 == 0 ? 1 : 0;
  const std::unique_ptr<Forecaster> model = make_count_state();
  ASSERT_TRUE(model->fit({.start = TimePoint(0s),
                          .step = 60s,
                          .values = values,
                          .regressors = {},
                          .seasons = std::vector<std::uint32_t>{1440}}));
  for (int i = 0; i < 700; ++i) model->update(i > 690 ? 60 : 0, {});
  const Forecast forecast = model->predict(60, {});
  EXPECT_LT(forecast.at(59, kForecastLevelCount - 1), 1000);
}

}  // namespace
}  // namespace forewarm
