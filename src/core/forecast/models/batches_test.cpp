#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>

#include "base/random.h"
#include "core/forecast/models/batch_combs.h"
#include "core/forecast/models/models.h"

namespace forewarm {
namespace {

constexpr std::size_t kMiddleLevel = 4;
const TimePoint kSunday(1'699'747'200s);  // midnight, 12 November 2023

using Arrivals = std::vector<float>;

Arrivals arrivals(std::size_t steps, const std::function<double(std::size_t)>& value) {
  Arrivals values(steps);
  for (std::size_t t = 0; t < steps; ++t) values[t] = static_cast<float>(value(t));
  return values;
}

SeriesView minutes(const Arrivals& values) {
  return {.start = kSunday, .step = 60s, .values = values, .regressors = {}, .seasons = {}};
}

const BatchComb* with_period(const std::vector<BatchComb>& combs, double period) {
  const auto found = std::find_if(combs.begin(), combs.end(), [&](const BatchComb& comb) {
    return std::abs(comb.period - period) < 0.01;
  });
  return found == combs.end() ? nullptr : &*found;
}

TEST(FindCombs, SeveralJobsAtOnceEachWithPeriodPhaseAndSize) {
  Random random(1);
  const Arrivals values = arrivals(1440 * 6, [&](std::size_t t) {
    double value = static_cast<double>(random.poisson(2));
    if (t % 15 == 4) value += 40;
    if (t % 60 == 17) value += 300 + 50 * random.uniform();
    if (t % 1440 == 150) value += 5000;
    return value;
  });
  const std::vector<BatchComb> combs = find_combs(minutes(values));
  const double sizes[] = {40, 325, 5000}, periods[] = {15, 60, 1440}, phases[] = {4, 17, 150};
  double share = 0;
  for (int i = 0; i < 3; ++i) {
    const BatchComb* comb = with_period(combs, periods[i]);
    ASSERT_NE(comb, nullptr) << periods[i];
    EXPECT_EQ(std::fmod(comb->next, periods[i]), phases[i]);
    EXPECT_GE(comb->next, static_cast<double>(values.size()));
    EXPECT_NEAR(comb->typical_size(), sizes[i], 0.1 * sizes[i]);
    EXPECT_GT(comb->came, 0.95);
    share += comb->share;
  }
  EXPECT_EQ(combs.size(), 3U);
  double total = 0;
  for (const float value : values) total += value;
  EXPECT_NEAR(share, 1 - 2 * static_cast<double>(values.size()) / total, 0.03);
}

TEST(FindCombs, AJobOfWorkingDaysOnly) {
  Random random(2);
  const Arrivals values = arrivals(1440 * 14, [&](std::size_t t) {
    const bool working = (t / 1440) % 7 >= 1 && (t / 1440) % 7 <= 5;
    return static_cast<double>(random.poisson(1)) + (working && t % 120 == 30 ? 100 : 0);
  });
  const std::vector<BatchComb> combs = find_combs(minutes(values));
  ASSERT_EQ(combs.size(), 1U);
  EXPECT_EQ(combs[0].period, 120);
  EXPECT_EQ(combs[0].weekdays, 0b0111110);
  EXPECT_GT(combs[0].came, 0.95);
  const auto model = make_batches();
  ASSERT_TRUE(model->fit(minutes(values)));
  const Forecast forecast = model->predict(2 * 1440, {});  // Sunday and Monday
  EXPECT_LT(forecast.at(30, kForecastLevelCount - 1), 20);
  EXPECT_NEAR(forecast.at(1440 + 30, kMiddleLevel), 101, 5);
}

TEST(FindCombs, ATimerThatDrifts) {
  Random random(3);
  Arrivals values = arrivals(4320, [&](std::size_t) { return static_cast<double>(random.poisson(1)); });
  for (double due = 12; due < 4320; due += 40.03) values[static_cast<std::size_t>(due)] += 60;
  const std::vector<BatchComb> combs = find_combs(minutes(values));
  ASSERT_GE(combs.size(), 1U);
  EXPECT_NEAR(combs[0].period, 40.03, 0.005);
}

TEST(FindCombs, ABurstMayBeAStepEarlyOrLate) {
  Random random(4);
  Arrivals values = arrivals(4320, [&](std::size_t) { return static_cast<double>(random.poisson(1)); });
  for (std::size_t due = 12; due < 4320; due += 40) values[due - 1 + random.below(3)] += 60;
  const std::vector<BatchComb> combs = find_combs(minutes(values));
  ASSERT_GE(combs.size(), 1U);
  EXPECT_EQ(combs[0].period, 40);
  for (const double offset : combs[0].offsets) EXPECT_GT(offset, 15);
}

TEST(FindCombs, NothingIsFoundInWhatIsOnlyRandom) {
  std::size_t found = 0;
  for (std::uint64_t seed = 0; seed < 40; ++seed) {
    Random random(seed);
    found += find_combs(minutes(arrivals(2880, [&](std::size_t) {
               return static_cast<double>(random.poisson(0.1));
             }))).size();
    found += find_combs(minutes(arrivals(2880, [&](std::size_t) {
               return random.chance(0.05) ? random.log_normal(4, 1) : 3;
             }))).size();
    double burst = 0;
    found += find_combs(minutes(arrivals(2880, [&](std::size_t) {
               burst = random.chance(0.01) ? 50 : 0.8 * burst;
               return static_cast<double>(random.poisson(1 + burst));
             }))).size();
    found += find_combs(minutes(arrivals(1440 * 5, [&](std::size_t t) {
               const double busy = std::max(0.0, std::sin(2 * M_PI * static_cast<double>(t) / 1440));
               return static_cast<double>(random.poisson(0.3 * busy));
             }))).size();
  }
  EXPECT_LE(found, 1U);  // of 160 series, each at odds of one in a thousand
}

TEST(Batches, SayNoMoreThanTheBaseWhereThereIsNoComb) {
  Random random(5);
  const auto model = make_batches();
  ASSERT_TRUE(model->fit(
      minutes(arrivals(2000, [&](std::size_t) { return static_cast<double>(random.poisson(4)); }))));
  const Forecast forecast = model->predict(100, {});
  for (std::size_t h = 1; h < 100; ++h) {
    for (std::size_t level = 0; level < kForecastLevelCount; ++level) {
      ASSERT_EQ(forecast.at(h, level), forecast.at(0, level));
    }
  }
}

TEST(Batches, SizesAreForeseenAsTheyScatterAndTheStepsBetweenAsTheBase) {
  Random random(6);
  const auto model = make_batches();
  ASSERT_TRUE(model->fit(minutes(arrivals(37 * 90, [&](std::size_t t) {
    return static_cast<double>(random.poisson(1)) + (t % 37 == 9 ? 100 + 100 * random.uniform() : 0);
  }))));
  const Forecast forecast = model->predict(37, {});
  EXPECT_NEAR(forecast.at(9, 1), 106, 15);
  EXPECT_NEAR(forecast.at(9, kMiddleLevel), 151, 25);
  EXPECT_NEAR(forecast.at(9, 7), 196, 15);
  for (const std::size_t h : {7U, 11U, 30U}) EXPECT_LT(forecast.at(h, kForecastLevelCount - 1), 8) << h;
}

TEST(Batches, AJobThatHasStoppedIsGivenUpAndOneThatGrowsIsFollowed) {
  const auto job = [](std::size_t t) { return t % 30 == 5 ? 80.0 : 1.0; };
  const auto model = make_batches();
  ASSERT_TRUE(model->fit(minutes(arrivals(3000, job))));
  EXPECT_NEAR(model->predict(6, {}).at(5, kMiddleLevel), 80, 0.01);
  for (std::size_t t = 0; t < 600; ++t) model->update(t % 30 == 5 ? 160 : 1, {});
  EXPECT_NEAR(model->predict(6, {}).at(5, kMiddleLevel), 160, 1);
  for (std::size_t t = 0; t < 600; ++t) model->update(1, {});
  EXPECT_NEAR(model->predict(6, {}).at(5, 7), 1, 0.01);
}

}  // namespace
}  // namespace forewarm
