#include "core/forecast/demand/demand_forecast.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "base/math.h"
#include "base/random.h"
#include "core/forecast/demand/compound_work.h"
#include "core/forecast/quantile_set.h"

namespace forewarm {
namespace {

constexpr std::size_t kMedian = 4;
constexpr std::size_t kHigh = 7;  // 95 %
constexpr std::size_t kHighest = 8;

/// Service times with a long tail (log-normal), the standard deviation a good quarter above the mean.
std::vector<WeightedValue> long_tailed(double mean) {
  std::vector<WeightedValue> values;
  double sum = 0;
  for (int i = 0; i < 400; ++i) {
    values.push_back({exp(normal_quantile((i + 0.5) / 400)), 1});
    sum += values.back().value;
  }
  for (WeightedValue& value : values) value.value *= mean * 400 / sum;
  return values;
}

double draw(const std::vector<WeightedValue>& values, Random& random) {
  return values[random.below(values.size())].value;
}

Forecast steady(std::size_t horizon, double least, double most) {
  Forecast forecast;
  forecast.step = 10s;
  for (std::size_t h = 0; h < horizon; ++h) {
    for (const double level : kForecastLevels)
      forecast.values.push_back(static_cast<float>(least + level * (most - least)));
  }
  return forecast;
}

/// A count drawn at `level` of the same forecast.
double count_at(const Forecast& forecast, std::size_t h, double level) {
  return forecast.quantile(h, level);
}

double quantile_of(std::vector<double> values, double level) {
  std::ranges::sort(values);
  return values[static_cast<std::size_t>(level * static_cast<double>(values.size()))];
}

/// What really is in service, and what is worked, when messages arrive at random moments of each step and
/// start at once.
struct Played {
  std::vector<double> in_service, busy_seconds, arrived_work;
};

Played play(const Forecast& forecast, double before, const std::vector<WeightedValue>& service, std::size_t h,
            double share = 1) {
  Played played;
  Random random(17);
  const double step = seconds(forecast.step);
  constexpr int kSteps = 40;  // longer than any service time here
  for (int repeat = 0; repeat < 20'000; ++repeat) {
    const double level = random.uniform();
    const double moment = random.uniform() * step;
    double in_service = 0, busy = 0, work = 0;
    for (int back = 0; back <= kSteps; ++back) {
      const double expected = back <= static_cast<int>(h)
                                  ? count_at(forecast, h - static_cast<std::size_t>(back), level)
                                  : before;
      const auto count = static_cast<int>(expected + random.uniform());
      for (int i = 0; i < count; ++i) {
        if (share < 1 && !random.chance(share)) continue;
        const double start = (random.uniform() - back) * step;
        const double end = start + draw(service, random);
        if (start <= moment && moment < end) ++in_service;
        busy += std::max(0.0, std::min(end, step) - std::max(start, 0.0));
        if (back == 0) work += end - start;
      }
    }
    played.in_service.push_back(in_service);
    played.busy_seconds.push_back(busy);
    played.arrived_work.push_back(work);
  }
  return played;
}

WorkProfile profile_of(std::vector<WeightedValue> service) {
  WorkProfile profile;
  profile.service_seconds = std::move(service);
  profile.cores_per_service = 0.5;
  return profile;
}

TEST(CompoundWork, KeepsMeanAndVarianceAndTheShapeOfSums) {
  const std::vector<WeightedValue> one = long_tailed(2);
  const CompoundWork work(one);
  Random random(3);
  for (const int count : {1, 2, 3, 7, 40, 300}) {
    std::vector<double> sums;
    for (int i = 0; i < 20'000; ++i) {
      double sum = 0;
      for (int j = 0; j < count; ++j) sum += draw(one, random);
      sums.push_back(sum);
    }
    const NodeValues nodes = work.sum_of(count);
    double mean = 0;
    for (std::size_t i = 0; i < nodes.size(); ++i) mean += nodes[i] * kQuantileNodes[i].weight;
    EXPECT_NEAR(mean, 2.0 * count, 0.02 * count) << count;
    for (std::size_t i = 2; i + 2 < nodes.size(); ++i) {
      const double there = quantile_of(sums, kQuantileNodes[i].level);
      EXPECT_NEAR(nodes[i], there, 0.06 * there + 0.02) << count << " at " << kQuantileNodes[i].level;
    }
  }
}

TEST(CompoundWork, OfNothingIsNothingAndOfAConstantIsTheConstant) {
  const std::vector<WeightedValue> constant = {{0.25, 3}};
  const CompoundWork work(constant);
  for (const double value : work.sum_of(0)) EXPECT_EQ(value, 0);
  for (const double value : work.sum_of(0.5)) EXPECT_NEAR(value, 0.125, 1e-12);
  for (const double value : work.sum_of(1e9)) EXPECT_NEAR(value, 0.25e9, 1);
}

TEST(ServiceOverlap, SumsToTheServiceTime) {
  const std::vector<WeightedValue> short_ones = {{2, 1}};
  const ServiceOverlap within = service_overlap(short_ones, 10);
  ASSERT_EQ(within.in_service.size(), 2U);
  EXPECT_NEAR(within.in_service[0], 0.2 - 0.02, 2e-4);  // the rest of those that come in the last two seconds
  EXPECT_NEAR(within.in_service[1], 0.02, 2e-4);
  const std::vector<WeightedValue> long_ones = {{35, 1}};
  double sum = 0;
  for (const double chance : service_overlap(long_ones, 10).in_service) sum += chance;
  EXPECT_NEAR(sum, 3.5, 1e-6);
  EXPECT_TRUE(service_overlap({}, 10).in_service.empty());
}

class DemandOf : public testing::TestWithParam<double> {};

TEST_P(DemandOf, AgreesWithWhatHappensWhenMessagesArrive) {
  const double service = GetParam();
  const Forecast forecast = steady(6, 4, 30);
  const std::vector<float> before(60, 12.0F);
  const WorkProfile profile = profile_of(long_tailed(service));
  const DemandForecast demand = demand_forecast(forecast, before, profile);
  ASSERT_EQ(demand.concurrency.size(), forecast.values.size());
  for (const std::size_t h : {std::size_t{0}, std::size_t{5}}) {
    const Played played = play(forecast, 12, profile.service_seconds, h);
    for (const std::size_t level : {kMedian, kHigh, kHighest}) {
      const std::size_t at = h * kForecastLevelCount + level;
      const double held = quantile_of(played.in_service, kForecastLevels[level]);
      EXPECT_NEAR(static_cast<double>(demand.concurrency[at]), held, 0.6 + 0.07 * held) << h << " " << level;
      const double work = quantile_of(played.arrived_work, kForecastLevels[level]);
      EXPECT_NEAR(static_cast<double>(demand.work_seconds[at]), work, 0.06 * work) << h << " " << level;
      const double cores = 0.5 * quantile_of(played.busy_seconds, kForecastLevels[level]) / 10;
      EXPECT_NEAR(static_cast<double>(demand.cores[at]), cores, 0.1 * cores) << h << " " << level;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(ServiceSeconds, DemandOf, testing::Values(0.2, 3.0, 18.0));

TEST(DemandForecast, GivesAPriorityItsShareWithTheChanceOfTheDraw) {
  const Forecast forecast = steady(3, 20, 60);
  WorkProfile profile = profile_of(long_tailed(4));
  profile.priorities[0] = {.mean = 0.1};
  profile.priorities[4] = {.mean = 0.9};
  const DemandForecast demand = demand_forecast(forecast, std::vector<float>(60, 40.0F), profile);
  ASSERT_EQ(demand.priorities.size(), 2U);
  EXPECT_EQ(demand.priorities[0].priority, 0);
  const Played played = play(forecast, 40, profile.service_seconds, 2, 0.1);
  for (const std::size_t level : {kMedian, kHigh}) {
    const double held = quantile_of(played.in_service, kForecastLevels[level]);
    EXPECT_NEAR(static_cast<double>(demand.priorities[0].concurrency[2 * kForecastLevelCount + level]), held,
                0.7 + 0.07 * held);
  }
  EXPECT_NEAR(static_cast<double>(demand.priorities[0].messages[kMedian]), 4, 0.6);
  // What the share itself is unsure of widens what comes of it.
  profile.priorities[0].spread = 0.05;
  const DemandForecast wider = demand_forecast(forecast, {}, profile);
  EXPECT_GT(wider.priorities[0].messages[kHighest], demand.priorities[0].messages[kHighest] + 1);
}

TEST(DemandForecast, CountsWholeInstancesInMemory) {
  const Forecast forecast = steady(1, 10, 10);
  WorkProfile profile = profile_of({{10, 1}});
  profile.instance_memory_bytes = {{100, 1}};
  profile.messages_per_instance = 4;
  // Ten in service in the mean: three instances of four messages, as a rule.
  const DemandForecast demand = demand_forecast(forecast, std::vector<float>(5, 10.0F), profile);
  EXPECT_NEAR(demand.memory_bytes[kMedian], 300, 1);
  EXPECT_GE(demand.memory_bytes[kHighest], 400);
  EXPECT_LE(demand.memory_bytes[kHighest], 500);
}

TEST(DemandForecast, LeavesOutWhatWasNotMeasured) {
  const DemandForecast demand = demand_forecast(steady(4, 1, 5), {}, WorkProfile{});
  EXPECT_TRUE(demand.concurrency.empty() && demand.work_seconds.empty() && demand.cores.empty());
  EXPECT_TRUE(demand.memory_bytes.empty() && demand.priorities.empty());
}

TEST(DemandForecast, StaysOrderedAndFiniteWithExtremeNumbers) {
  Forecast forecast = steady(3, 0, 1e12);
  WorkProfile profile = profile_of({{0, 5}, {1e-5, 1}, {86'400, 1}});
  profile.instance_memory_bytes = {{1, 1}, {1e13, 1}};
  profile.priorities[1] = {.mean = 0.5, .spread = 3};
  profile.priorities[2] = {.mean = 0.5, .spread = 0};
  const std::vector<float> gaps(40, std::numeric_limits<float>::quiet_NaN());
  const DemandForecast demand = demand_forecast(forecast, gaps, profile);
  for (const auto* values : {&demand.work_seconds, &demand.concurrency, &demand.cores, &demand.memory_bytes,
                             &demand.priorities[0].messages, &demand.priorities[0].concurrency}) {
    ASSERT_EQ(values->size(), forecast.values.size());
    for (std::size_t i = 0; i < values->size(); ++i) {
      EXPECT_TRUE(std::isfinite((*values)[i]) && (*values)[i] >= 0);
      const float below = i % kForecastLevelCount > 0 ? (*values)[i - 1] : 0;
      EXPECT_GE((*values)[i], below);
    }
  }
}

}  // namespace
}  // namespace forewarm
