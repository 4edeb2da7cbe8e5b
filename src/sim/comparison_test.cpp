#include "sim/comparison.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "base/random.h"

namespace forewarm {
namespace {

TimelineBucket column_of(std::uint64_t arrivals, std::uint64_t late, double instance_seconds = 0) {
  return {.arrivals = arrivals, .late = late, .instance_seconds = instance_seconds};
}

TEST(BinomialQuantile, is_the_exact_one) {
  // Sums of the probability function, computed apart.
  EXPECT_EQ(binomial_quantile(10, 0.5, 0.95), 8u);  // P(X <= 7) = .945, P(X <= 8) = .989
  EXPECT_EQ(binomial_quantile(1000, 0.012, 0.95), 18u);
  EXPECT_EQ(binomial_quantile(1000, 0.0012, 0.95), 3u);
  EXPECT_EQ(binomial_quantile(50'000, 0.06, 0.95), 3088u);
  EXPECT_EQ(binomial_quantile(1'000'000, 0.0012, 0.95), 1257u);
  EXPECT_EQ(binomial_quantile(10, 0.5, 0.05), 2u);  // below the mode: P(X <= 1) = .011, P(X <= 2) = .055
}

TEST(BinomialQuantile, ends_where_nothing_is_left_to_chance) {
  EXPECT_EQ(binomial_quantile(0, 0.5, 0.95), 0u);
  EXPECT_EQ(binomial_quantile(7, 0, 0.95), 0u);
  EXPECT_EQ(binomial_quantile(7, 1, 0.95), 7u);
  EXPECT_EQ(binomial_quantile(7, 0.5, 1), 7u);
}

TEST(LateContract, is_judged_day_by_day) {
  const LateContract contract{.late_share = 0.01};  // of 1,000 at 1.2 %: 18
  const std::vector<TimelineBucket> days = {column_of(1000, 18), column_of(0, 0), column_of(1000, 19),
                                            column_of(50'000, 100), column_of(1000, 18)};
  const ContractDays judged = contract_days(contract, days);
  EXPECT_EQ(judged.days, 4u);
  EXPECT_EQ(judged.kept, 3u);
  EXPECT_EQ(judged.worst, 2u);
  EXPECT_EQ(judged.worst_messages, 1000u);
  EXPECT_EQ(judged.worst_late, 19u);
  EXPECT_EQ(judged.worst_allowed, 18u);
  EXPECT_DOUBLE_EQ(judged.worst_excess(), 20.0 / 19);
  EXPECT_EQ(contract_days(contract, {}).days, 0u);
}

TEST(Blocks, are_sums_and_a_short_rest_joins_the_last) {
  const auto arrivals = [](std::size_t count, std::size_t each) {
    std::vector<TimelineBucket> columns;
    for (std::size_t i = 1; i <= count; ++i) columns.push_back(column_of(i, 1, 2));
    std::vector<std::uint64_t> sums;
    for (const TimelineBucket& block : blocks_of(columns, each)) {
      EXPECT_DOUBLE_EQ(block.instance_seconds, 2 * static_cast<double>(block.late));
      sums.push_back(block.arrivals);
    }
    return sums;
  };
  EXPECT_EQ(arrivals(4, 1), (std::vector<std::uint64_t>{1, 2, 3, 4}));
  EXPECT_EQ(arrivals(9, 4), (std::vector<std::uint64_t>{1 + 2 + 3 + 4, 5 + 6 + 7 + 8 + 9}));
  EXPECT_EQ(arrivals(10, 4), (std::vector<std::uint64_t>{1 + 2 + 3 + 4, 5 + 6 + 7 + 8, 9 + 10}));
  EXPECT_EQ(arrivals(1, 24), (std::vector<std::uint64_t>{1}));
  EXPECT_TRUE(arrivals(0, 24).empty());
}

TEST(Blocks, are_as_long_as_there_are_five_of_them) {
  EXPECT_EQ(bootstrap_block(120h), Duration(24h));
  EXPECT_EQ(bootstrap_block(120h - 1s), Duration(1h));
  EXPECT_EQ(bootstrap_block(5h), Duration(1h));
  EXPECT_EQ(bootstrap_block(2h), Duration(10min));
}

PairedBlock pair_of(double ours, double theirs, std::uint64_t ours_late = 0, std::uint64_t theirs_late = 0) {
  return {column_of(100, ours_late, ours), column_of(100, theirs_late, theirs)};
}

TEST(PairedBlockBootstrap, sees_no_spread_in_what_both_have_in_common) {
  const std::vector<PairedBlock> blocks = {pair_of(1, 2, 1, 3), pair_of(100, 200, 5, 7), pair_of(7, 14, 0, 2),
                                           pair_of(0.5, 1, 3, 5), pair_of(1e4, 2e4, 90, 92)};
  const std::optional<PairedIntervals> found = paired_block_bootstrap(blocks);
  ASSERT_TRUE(found);
  EXPECT_DOUBLE_EQ(found->cost_ratio.low, 0.5);
  EXPECT_DOUBLE_EQ(found->cost_ratio.high, 0.5);
  EXPECT_NEAR(found->late_difference.low, -0.02, 1e-12);
  EXPECT_NEAR(found->late_difference.high, -0.02, 1e-12);
}

TEST(PairedBlockBootstrap, has_the_quantiles_of_what_may_be_drawn) {
  // With k draws of the last block the ratio is 1 + k and the difference k / 5 * .1; k is binomial (5, .2):
  // P(k = 0) = .33, P(k <= 2) = .942, P(k <= 3) = .993.
  const std::vector<PairedBlock> blocks = {pair_of(1, 1), pair_of(1, 1), pair_of(1, 1), pair_of(1, 1),
                                           pair_of(6, 1, 10, 0)};
  const std::optional<PairedIntervals> found = paired_block_bootstrap(blocks);
  ASSERT_TRUE(found);
  EXPECT_DOUBLE_EQ(found->cost_ratio.low, 1);
  EXPECT_DOUBLE_EQ(found->cost_ratio.high, 4);
  EXPECT_DOUBLE_EQ(found->late_difference.low, 0);
  EXPECT_DOUBLE_EQ(found->late_difference.high, 0.06);
}

TEST(PairedBlockBootstrap, covers_the_ratio_that_made_the_blocks) {
  Random random(5);
  int covered = 0;
  for (int trial = 0; trial < 200; ++trial) {
    std::vector<PairedBlock> blocks;
    for (int i = 0; i < 30; ++i) {
      const double load = random.exponential(10);
      blocks.push_back(pair_of(load * 0.8 + random.exponential(1), load + random.exponential(1)));
    }
    const std::optional<PairedIntervals> found = paired_block_bootstrap(blocks, 400);
    ASSERT_TRUE(found);
    constexpr double kTrue = (10 * 0.8 + 1) / (10 + 1);
    covered += found->cost_ratio.low <= kTrue && kTrue <= found->cost_ratio.high ? 1 : 0;
  }
  EXPECT_GE(covered, 176);  // 88 %: percentile intervals of 30 blocks are a little narrow
  EXPECT_LE(covered, 199);
}

TEST(PairedBlockBootstrap, says_nothing_of_too_little) {
  const std::vector<PairedBlock> few(kBootstrapBlocksLeast - 1, pair_of(1, 2));
  EXPECT_FALSE(paired_block_bootstrap(few));
  const std::vector<PairedBlock> free(kBootstrapBlocksLeast, pair_of(1, 0));
  EXPECT_FALSE(paired_block_bootstrap(free));
}

TEST(PairedBlockBootstrap, does_not_divide_by_blocks_without_cost) {
  const std::vector<PairedBlock> blocks = {pair_of(1, 0), pair_of(1, 0), pair_of(1, 0), pair_of(1, 0),
                                           pair_of(1, 1)};
  const std::optional<PairedIntervals> found = paired_block_bootstrap(blocks);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->cost_ratio.high, std::numeric_limits<double>::infinity());
}

TEST(Front, is_geometric_in_lateness_between_the_settings) {
  const std::vector<FrontPoint> front = {{300, 0.001}, {100, 0.1}, {200, 0.01}};
  EXPECT_NEAR(*late_share_at(front, 150), std::sqrt(0.1 * 0.01), 1e-12);
  EXPECT_NEAR(*late_share_at(front, 225), 0.01 * std::pow(0.1, 0.25), 1e-12);
  EXPECT_DOUBLE_EQ(*late_share_at(front, 100), 0.1);
  EXPECT_DOUBLE_EQ(*late_share_at(front, 300), 0.001);
}

TEST(Front, says_nothing_outside_the_settings) {
  const std::vector<FrontPoint> front = {{100, 0.1}, {200, 0.01}};
  EXPECT_FALSE(late_share_at(front, 99));
  EXPECT_FALSE(late_share_at(front, 201));
  EXPECT_FALSE(late_share_at({}, 1));
}

TEST(Front, takes_the_better_of_two_settings_at_one_cost) {
  const std::vector<FrontPoint> front = {{100, 0.1}, {200, 0.05}, {200, 0.01}};
  EXPECT_DOUBLE_EQ(*late_share_at(front, 200), 0.01);
}

}  // namespace
}  // namespace forewarm
