#include <gtest/gtest.h>

#include <cmath>
#include <functional>

#include "base/random.h"
#include "core/forecast/models/additive_choice.h"
#include "core/forecast/models/models.h"

namespace forewarm {
namespace {

constexpr std::size_t kAdditiveMedian = 4;
constexpr std::size_t kAdditiveTop = kForecastLevelCount - 1;

std::vector<float> made(std::size_t steps, const std::function<double(double)>& value) {
  std::vector<float> values(steps);
  for (std::size_t t = 0; t < steps; ++t) values[t] = static_cast<float>(value(static_cast<double>(t)));
  return values;
}

SeriesView seen(const std::vector<float>& values, std::span<const std::uint32_t> seasons,
                Columns regressors = {}) {
  return {
      .start = TimePoint(0s), .step = 60s, .values = values, .regressors = regressors, .seasons = seasons};
}

constexpr std::uint32_t kDay[] = {24};

TEST(Additive, AWaveThatGrowsWithTheTrendIsAShareOfIt) {
  Random random(3);
  const auto wave = [](double t) { return (20 + 0.1 * t) * (1 + 0.6 * std::sin(2 * M_PI * t / 24)); };
  const std::vector<float> values = made(900, [&](double t) { return wave(t) + 2 * random.normal(); });
  const AdditiveChoice choice = choose_additive(seen(values, kDay));
  EXPECT_TRUE(choice.plain.fit.multiplicative);
  const auto model = make_additive();
  ASSERT_TRUE(model->fit(seen(values, kDay)));
  const Forecast forecast = model->predict(48, {});
  for (std::size_t h = 0; h < 48; ++h) {
    EXPECT_NEAR(forecast.at(h, kAdditiveMedian), wave(900 + static_cast<double>(h)), 6) << h;
  }
}

TEST(Additive, AWaveOfOneSizeOnATrendIsAddedToIt) {
  Random random(3);
  const std::vector<float> values = made(
      900, [&](double t) { return 50 + 0.2 * t + 20 * std::sin(2 * M_PI * t / 24) + 2 * random.normal(); });
  const AdditiveChoice choice = choose_additive(seen(values, kDay));
  EXPECT_FALSE(choice.plain.fit.multiplicative);
  EXPECT_EQ(choice.plain.fit.growth, TrendGrowth::Linear);
}

TEST(Additive, ATrendGoesOnButNotForever) {
  const std::vector<float> values = made(400, [](double t) { return 100 + 2 * t; });
  const auto model = make_additive();
  ASSERT_TRUE(model->fit(seen(values, {})));
  const Forecast forecast = model->predict(4000, {});
  EXPECT_NEAR(forecast.at(0, kAdditiveMedian), 900, 3);
  EXPECT_NEAR(forecast.at(19, kAdditiveMedian), 938, 10);
  EXPECT_LT(forecast.at(3999, kAdditiveTop), 1800);
}

TEST(Additive, BeyondTheLeadsWhoseErrorsWereSeenBendsToComeWidenIt) {
  AdditiveVariant variant;
  variant.fit.growth = TrendGrowth::Linear;
  variant.fit.steps = 1000;
  variant.fit.offset = 100;
  variant.fit.changepoints = {0.2, 0.4};
  variant.fit.bends = {20, -20};  // 0.02 a step: one in 500 steps
  variant.errors.leads = {60};
  variant.errors.quantiles = {{-23, -16, -12.815, -7, 0, 7, 12.815, 16, 23}};  // deviation 10
  const LevelValues near = variant.row(1060, 60, {}), far = variant.row(1300, 300, {});
  EXPECT_NEAR(near.back() - near.front(), 46, 1e-9);
  const double more = 2 * 0.02 * 0.02 / 500 * (300.0 * 300 * 300 - 60.0 * 60 * 60) / 3;
  EXPECT_NEAR(far.back() - far.front(), 46 * std::sqrt(1 + more / 100), 0.05);
  EXPECT_LE(variant.row(1e6, 999'000, {}).back() - variant.row(1e6, 999'000, {}).front(), 3 * 46 + 1e-9);
}

/// A wave and a driver of its own.
struct Driven {
  std::vector<float> driver, values;
};
Driven driven(std::size_t steps, double strength) {
  Random random(11);
  Driven made{.driver = std::vector<float>(steps), .values = std::vector<float>(steps)};
  double level = 0;
  for (std::size_t t = 0; t < steps; ++t) {
    level = 0.9 * level + random.normal();
    made.driver[t] = static_cast<float>(level);
    const double wave = 100 + 20 * std::sin(2 * M_PI * static_cast<double>(t) / 24);
    made.values[t] = static_cast<float>(wave + strength * level + 3 * random.normal());
  }
  return made;
}

TEST(Additive, ADriverThatHelpsIsUsedWhereItsFutureIsKnown) {
  const Driven all = driven(948, 8);
  const std::vector<float> values(all.values.begin(), all.values.begin() + 900);
  const std::span<const float> past[] = {std::span(all.driver).first(900)};
  const std::span<const float> future[] = {std::span(all.driver).subspan(900)};
  const std::span<const float> nearer[] = {std::span(all.driver).subspan(900, 10)};
  const auto model = make_additive(), without = make_additive();
  ASSERT_TRUE(model->fit(seen(values, kDay, past)));
  ASSERT_TRUE(without->fit(seen(values, kDay)));
  const Forecast known = model->predict(48, future), partly = model->predict(48, nearer),
                 blind = without->predict(48, {});
  EXPECT_EQ(model->predict(48, {}), blind);
  double with_driver = 0, alone = 0;
  for (std::size_t h = 0; h < 48; ++h) {
    const auto value = static_cast<double>(all.values[900 + h]);
    with_driver += std::abs(value - static_cast<double>(known.at(h, kAdditiveMedian)));
    alone += std::abs(value - static_cast<double>(blind.at(h, kAdditiveMedian)));
    const Forecast& expected = h < 10 ? known : blind;
    EXPECT_EQ(partly.at(h, kAdditiveMedian), expected.at(h, kAdditiveMedian)) << h;
  }
  EXPECT_LT(with_driver, 0.5 * alone);
  model->update(100, std::vector<float>{0});
  EXPECT_EQ(model->predict(1, {}).start, TimePoint(60s * 901));
}

TEST(Additive, ADriverOfNothingIsLeftOut) {
  const Driven all = driven(900, 0);
  const std::span<const float> past[] = {all.driver};
  EXPECT_FALSE(choose_additive(seen(all.values, kDay, past)).driven);
}

TEST(Additive, AMinutesHistoryOfTwoWeeksIsTakenInRowsOfSeveralSteps) {
  Random random(5);
  const std::uint32_t seasons[] = {1440};
  const auto wave = [](double t) { return 50 + 40 * std::sin(2 * M_PI * t / 1440); };
  const std::vector<float> values =
      made(20'160, [&](double t) { return static_cast<double>(random.poisson(wave(t))); });
  const AdditiveChoice choice = choose_additive(seen(values, seasons));
  EXPECT_GT(choice.steps, 18'000U);
  const auto model = make_additive();
  ASSERT_TRUE(model->fit(seen(values, seasons)));
  const Forecast forecast = model->predict(720, {});
  for (std::size_t h = 0; h < 720; h += 30) {
    EXPECT_NEAR(forecast.at(h, kAdditiveMedian), wave(20'160 + static_cast<double>(h)), 6) << h;
  }
}

}  // namespace
}  // namespace forewarm
