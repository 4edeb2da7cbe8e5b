#include "core/retry/upstream.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <set>

namespace forewarm {
namespace {

TEST(UpstreamLevel, TellsPowersOfTwoAndSignalsApart) {
  std::set<std::uint32_t> levels;
  for (const double value : {0.0, 1.0, 2.0, 4.0, 0.5, -1.0, -2.0}) {
    levels.insert(upstream_level(SignalId(1), value));
    levels.insert(upstream_level(SignalId(2), value));
  }
  EXPECT_EQ(levels.size(), 14U);
  EXPECT_FALSE(levels.contains(0));
  EXPECT_EQ(upstream_level(SignalId(1), 1), upstream_level(SignalId(1), 1.9));
}

TEST(UpstreamLevel, TakesAnyNumber) {
  const double largest = std::numeric_limits<double>::max();
  EXPECT_EQ(upstream_level(SignalId(1), largest), upstream_level(SignalId(1), 1e300));
  EXPECT_NE(upstream_level(SignalId(1), largest), upstream_level(SignalId(1), -largest));
  EXPECT_EQ(upstream_level(SignalId(1), std::numeric_limits<double>::denorm_min()),
            upstream_level(SignalId(1), 1e-300));
}

TEST(UpstreamNews, IsAskedForUntilItWasWorthNothingAFewTimes) {
  UpstreamNews news;
  int asked = 0;
  for (; asked < 50 && news.promising(7); ++asked) news.observe(7, false);
  EXPECT_GE(asked, 2);
  EXPECT_LE(asked, 6);
  EXPECT_TRUE(news.promising(8)) << "another level";
  news.observe(7, true);
  news.observe(7, true);
  EXPECT_TRUE(news.promising(7)) << "it worked again when it came to that";
}

TEST(UpstreamNews, WhatWasLongAgoFades) {
  UpstreamNews news;
  for (int i = 0; i < 10'000; ++i) news.observe(7, true);
  int failures = 0;
  for (; failures < 1000 && news.promising(7); ++failures) news.observe(7, false);
  EXPECT_LT(failures, 100);
}

TEST(UpstreamNews, IsBounded) {
  UpstreamNews news;
  for (std::uint32_t level = 1; level < 100'000; ++level) news.observe(level, false);
  EXPECT_TRUE(news.promising(100'000));
}

}  // namespace
}  // namespace forewarm
