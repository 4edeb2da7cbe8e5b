#include "core/forecast/regressors/signal_lead.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/random.h"

namespace forewarm {
namespace {

constexpr std::uint32_t kDay[] = {24};

/// A wandering signal.
std::vector<float> wandering(std::size_t steps, double persistence, Random& random) {
  std::vector<float> values(steps);
  double level = 0;
  for (float& value : values) {
    level = persistence * level + random.normal();
    value = static_cast<float>(level);
  }
  return values;
}

TEST(LeadSearch, FindsHowFarASignalLeads) {
  for (const std::size_t lead : {1, 2, 7, 24, 37, 60}) {
    Random random(lead);
    const std::vector<float> signal = wandering(1500, 0.8, random), noise = wandering(1500, 0.8, random);
    std::vector<float> values(1500);
    for (std::size_t t = 0; t < values.size(); ++t) {
      const double wave = 100 + 30 * std::sin(2 * M_PI * static_cast<double>(t) / 24);
      values[t] = static_cast<float>(wave + (t >= lead ? 3 * signal[t - lead] : 0) + 2 * noise[t]);
    }
    const auto found = LeadSearch(values, kDay).lead_of(signal, 1);
    ASSERT_TRUE(found) << lead;
    EXPECT_EQ(found->steps, lead);
    EXPECT_GT(found->correlation, 0.3);
  }
}

TEST(LeadSearch, SignalsThatOnlyWanderTooLeadNothing) {
  int found = 0;
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    Random random(seed);
    std::vector<float> values = wandering(1000, 0.98, random);
    for (float& value : values) value = std::max(0.0F, 50 + 3 * value);
    found += LeadSearch(values, {}).lead_of(wandering(1000, 0.98, random), 1) ? 1 : 0;
  }
  EXPECT_LE(found, 4);
}

TEST(LeadSearch, SignalsOfTheSameSeasonLeadNothing) {
  int found = 0;
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    Random random(seed);
    std::vector<float> values(1000), signal(1000);
    for (std::size_t t = 0; t < values.size(); ++t) {
      const double turn = 2 * M_PI * static_cast<double>(t) / 24;
      values[t] = static_cast<float>(random.poisson(40 + 30 * std::sin(turn)));
      signal[t] = static_cast<float>(std::sin(turn + 2) + 0.1 * random.normal());
    }
    found += LeadSearch(values, kDay).lead_of(signal, 1) ? 1 : 0;
  }
  EXPECT_LE(found, 1);
}

TEST(LeadSearch, ASignalThatFollowsLeadsNothing) {
  Random random(3);
  const std::vector<float> values = wandering(1200, 0.5, random);
  std::vector<float> positive = values, later(1200);
  for (float& value : positive) value += 20;
  for (std::size_t t = 5; t < 1200; ++t) later[t] = values[t - 5];
  EXPECT_FALSE(LeadSearch(positive, {}).lead_of(later, 1));
}

TEST(LeadSearch, ShortOrConstantOrMissingDataLeadNothing) {
  Random random(3);
  const std::vector<float> values = wandering(1200, 0.5, random);
  EXPECT_FALSE(LeadSearch(std::span(values).first(100), {}).lead_of(std::span(values).first(100), 1));
  EXPECT_FALSE(LeadSearch(values, {}).lead_of(std::vector<float>(1200, 3), 1));
  EXPECT_FALSE(LeadSearch(values, {}).lead_of(std::vector<float>(1200, NAN), 1));
  EXPECT_FALSE(LeadSearch(values, {}).lead_of(std::vector<float>(10, 3), 1));
  EXPECT_FALSE(LeadSearch(std::vector<float>(1200, NAN), {}).lead_of(values, 1));
  EXPECT_FALSE(LeadSearch(std::vector<float>(1200, 5), {}).lead_of(values, 1));
}

}  // namespace
}  // namespace forewarm
