#include "core/history/recency.h"

#include <gtest/gtest.h>

namespace forewarm {
namespace {

const TimePoint kThen(1'000'000s);

TEST(Recency, AFewOutcomesShowABurstAndItsEndWhateverCameBefore) {
  Recency newest;
  for (int i = 0; i < 1000; ++i) newest.add(kThen, false);
  for (int i = 0; i < 5; ++i) newest.add(kThen + 1s, true);
  EXPECT_GT(newest.shares[0], 0.8);
  EXPECT_LT(newest.shares[3], 0.1);
  EXPECT_EQ(newest.row, -5);
  EXPECT_EQ(newest.succeeded_at, kThen);
  newest.add(kThen + 2s, false);
  EXPECT_EQ(newest.row, 1);
  EXPECT_EQ(newest.succeeded_at, kThen + 2s);
  for (int i = 0; i < 5; ++i) newest.add(kThen + 3s, false);
  EXPECT_LT(newest.shares[0], 0.2);
}

TEST(Recency, TheFirstOutcomesAreAveraged) {
  Recency newest;
  for (int i = 0; i < 8; ++i) newest.add(kThen, i % 2 == 0);
  EXPECT_NEAR(newest.shares[3], 0.45, 0.06);
}

}  // namespace
}  // namespace forewarm
