#include "core/forecast/seasons.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/random.h"
#include "core/forecast/autocorrelation.h"

namespace forewarm {
namespace {

using Seasons = std::vector<std::uint32_t>;

bool found(const Seasons& seasons, std::uint32_t period) {
  return std::find(seasons.begin(), seasons.end(), period) != seasons.end();
}

TEST(Autocorrelation, AgreesWithTheDirectSums) {
  Random random(4);
  for (const std::size_t n : {2U, 3U, 17U, 100U, 1000U}) {
    std::vector<double> x(n);
    for (double& value : x) value = random.normal();
    const std::vector<double> sums = autocorrelation_sums(x, n - 1);
    for (std::size_t lag = 0; lag < n; ++lag) {
      double direct = 0;
      for (std::size_t t = 0; t + lag < n; ++t) direct += x[t] * x[t + lag];
      ASSERT_NEAR(sums[lag], direct, 1e-10 * static_cast<double>(n)) << n << " " << lag;
    }
  }
}

TEST(FindSeasons, FindsATimersPeriodInNoisyCounts) {
  for (const std::uint32_t period : {2U, 5U, 7U, 15U, 60U, 360U, 1440U}) {
    Random random(period);
    std::vector<float> values(8640);
    for (std::size_t t = 0; t < values.size(); ++t) {
      values[t] = static_cast<float>(random.poisson(t % period < 1 + period / 20 ? 12 : 2));
    }
    EXPECT_EQ(find_seasons(values), Seasons{period});
  }
}

TEST(FindSeasons, ATimersOwnNoiseIsNoFurtherPeriod) {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    Random random(seed);
    std::vector<float> values(8640);
    for (std::size_t t = 7; t < values.size(); t += 60) values[t] = static_cast<float>(random.poisson(50));
    EXPECT_EQ(find_seasons(values), Seasons{60});
  }
}

TEST(FindSeasons, FindsASmoothDailyWaveAndATimerOnTopOfIt) {
  Random random(2);
  std::vector<float> values(8640);
  for (std::size_t t = 0; t < values.size(); ++t) {
    const double wave = 20 * (1 + std::sin(2 * M_PI * static_cast<double>(t) / 1440));
    values[t] = static_cast<float>(random.poisson(5 + wave + (t % 30 == 0 ? 25 : 0)));
  }
  const Seasons seasons = find_seasons(values);
  EXPECT_TRUE(found(seasons, 30)) << testing::PrintToString(seasons);
  EXPECT_TRUE(std::any_of(seasons.begin(), seasons.end(), [](std::uint32_t p) {
    return p > 1380 && p < 1500;
  })) << testing::PrintToString(seasons);
}

TEST(FindSeasons, FindsNothingInNoise) {
  int wrong = 0;
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    Random random(seed);
    std::vector<float> poisson(1500), sparse(1500), heavy(1500), wandering(1500);
    double level = 0;
    for (std::size_t t = 0; t < poisson.size(); ++t) {
      poisson[t] = static_cast<float>(random.poisson(6));
      sparse[t] = static_cast<float>(random.poisson(0.05));
      heavy[t] = static_cast<float>(random.log_normal(0, 2));
      level = 0.95 * level + random.normal();
      wandering[t] = static_cast<float>(std::max(0.0, 20 + 3 * level));
    }
    for (const auto* series : {&poisson, &sparse, &heavy, &wandering})
      wrong += find_seasons(*series).empty() ? 0 : 1;
  }
  EXPECT_LE(wrong, 4);  // of 240
}

TEST(FindSeasons, FindsNothingInWhatCannotShowOne) {
  EXPECT_TRUE(find_seasons({}).empty());
  EXPECT_TRUE(find_seasons(std::vector<float>(5000, 3.0F)).empty());
  EXPECT_TRUE(find_seasons(std::vector<float>(5000, std::numeric_limits<float>::quiet_NaN())).empty());
  std::vector<float> ramp(2000), step(2000), spike(2000);
  for (std::size_t t = 0; t < 2000; ++t) {
    ramp[t] = static_cast<float>(t);
    step[t] = t < 1000 ? 1.0F : 500.0F;
    spike[t] = t == 700 ? 1e12F : 0.0F;
  }
  for (const auto* series : {&ramp, &step, &spike}) {
    EXPECT_TRUE(find_seasons(*series).empty()) << testing::PrintToString(find_seasons(*series));
  }
}

TEST(FindSeasons, GapsDoNotHideAPeriodAndAreNoZeros) {
  Random random(8);
  std::vector<float> values(3000);
  for (std::size_t t = 0; t < values.size(); ++t) {
    values[t] = static_cast<float>(random.poisson(t % 12 == 3 ? 30 : 10));
    if (t % 500 < 150) values[t] = std::numeric_limits<float>::quiet_NaN();
  }
  EXPECT_EQ(find_seasons(values), Seasons{12});
}

}  // namespace
}  // namespace forewarm
