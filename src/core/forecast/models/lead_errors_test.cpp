#include "core/forecast/models/lead_errors.h"

#include <gtest/gtest.h>

#include <limits>

namespace forewarm {
namespace {

constexpr std::size_t kMedianOfErrors = 4;

TEST(LeadErrors, AreLinearBetweenLeadsAndFlatOutside) {
  LeadErrors errors{.leads = {2, 4}, .quantiles = {LevelValues{}, LevelValues{}}};
  errors.quantiles[0].fill(1);
  errors.quantiles[1].fill(3);
  EXPECT_DOUBLE_EQ(errors.at(1)[kMedianOfErrors], 1);
  EXPECT_DOUBLE_EQ(errors.at(3)[kMedianOfErrors], 2);
  EXPECT_DOUBLE_EQ(errors.at(100)[kMedianOfErrors], 3);
  EXPECT_DOUBLE_EQ(errors.around(10, 4)[kMedianOfErrors], 13);
}

TEST(LeadErrors, NothingKnownIsNoError) {
  EXPECT_DOUBLE_EQ(LeadErrors{}.around(5, 1)[0], 5);
}

TEST(LeadErrors, LeadsAreBoundedByTheHistory) {
  EXPECT_EQ(LeadErrorSample(3).leads().size(), 1U);
  EXPECT_EQ(LeadErrorSample(64).leads().back(), 16U);
  EXPECT_EQ(LeadErrorSample(100'000).leads().back(), 60U);
}

TEST(LeadErrors, QuantilesAreThoseOfTheSample) {
  LeadErrorSample sample(16);
  for (int i = -50; i <= 50; ++i) sample.add(0, i, 1);
  sample.add(0, std::numeric_limits<double>::quiet_NaN(), 1);
  sample.add(0, std::numeric_limits<double>::infinity(), 1);
  const LeadErrors errors = sample.quantiles();
  ASSERT_EQ(errors.leads, std::vector<std::uint32_t>{1});
  EXPECT_NEAR(errors.at(1)[kMedianOfErrors], 0, 1);
  EXPECT_NEAR(errors.at(1).front(), -49, 1.5);
  EXPECT_NEAR(errors.at(1).back(), 49, 1.5);
  EXPECT_TRUE(errors.is_sound());
}

TEST(LeadErrors, BrokenFieldsAreFound) {
  LeadErrors errors{.leads = {4, 2}, .quantiles = {LevelValues{}, LevelValues{}}};
  EXPECT_FALSE(errors.is_sound());
  errors.leads = {1};
  EXPECT_FALSE(errors.is_sound());
  errors = {.leads = {1}, .quantiles = {LevelValues{}}};
  errors.quantiles[0][3] = std::numeric_limits<double>::quiet_NaN();
  EXPECT_FALSE(errors.is_sound());
}

}  // namespace
}  // namespace forewarm
