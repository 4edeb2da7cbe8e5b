#include "edge/cloud/rabbitmq/prefetch.h"

#include <gtest/gtest.h>

#include <vector>

#include "base/random.h"

namespace forewarm {
namespace {

TEST(Prefetch, ConsumesWithTheWindowAndCancelsWithoutOne) {
  EXPECT_EQ(next_prefetch({.window = 10}), 10);
  EXPECT_EQ(next_prefetch({.window = 100'000}), 65'535);
  EXPECT_EQ(next_prefetch({.window = 0}), std::nullopt);
  EXPECT_EQ(next_prefetch({.window = 0, .prefetch = 10, .outstanding = 4}), 0);
}

TEST(Prefetch, LeavesTheConsumerAsLongAsItDiffersByNoMoreThanAQuarter) {
  for (const std::uint32_t window : {8U, 9U, 10U, 11U, 12U, 13U}) {
    EXPECT_EQ(next_prefetch({.window = window, .prefetch = 10}), std::nullopt) << window;
  }
  EXPECT_EQ(next_prefetch({.window = 14, .prefetch = 10}), 14);
  EXPECT_EQ(next_prefetch({.window = 7, .prefetch = 10}), 7);
  // One by one where a quarter is nothing.
  EXPECT_EQ(next_prefetch({.window = 2, .prefetch = 1}), 2);
  EXPECT_EQ(next_prefetch({.window = 1, .prefetch = 2}), 1);
}

TEST(Prefetch, ASmallerConsumerBeginsWhenHalfItsWindowIsFree) {
  EXPECT_EQ(next_prefetch({.window = 10, .prefetch = 20, .outstanding = 20}), 0);
  EXPECT_EQ(next_prefetch({.window = 10, .prefetch = 0, .outstanding = 6, .of_former = 6}), std::nullopt);
  EXPECT_EQ(next_prefetch({.window = 10, .prefetch = 0, .outstanding = 5, .of_former = 5}), 10);
}

TEST(Prefetch, AWindowThatFlapsNeverHasTheBrokerSendMoreThanTwiceTheLargest) {
  Random random(11);
  struct Consumer {
    std::uint32_t prefetch = 0;
    std::uint32_t unacknowledged = 0;
  } consumer;
  std::uint32_t former = 0;
  std::uint32_t window = 0;
  for (int turn = 0; turn < 100'000; ++turn) {
    if (random.chance(0.2)) window = static_cast<std::uint32_t>(random.below(101));
    const auto next = next_prefetch({.window = window,
                                     .prefetch = consumer.prefetch,
                                     .outstanding = former + consumer.unacknowledged,
                                     .of_former = former});
    if (next) {
      former += consumer.unacknowledged;
      consumer = {.prefetch = *next};
    }
    consumer.unacknowledged = consumer.prefetch;  // the queue is never empty
    ASSERT_LE(former + consumer.unacknowledged, 200U);
    for (int settled = 0; settled < 3; ++settled) {
      const auto outstanding = former + consumer.unacknowledged;
      if (outstanding == 0) break;
      --(random.below(outstanding) < former ? former : consumer.unacknowledged);
    }
  }
}

}  // namespace
}  // namespace forewarm
