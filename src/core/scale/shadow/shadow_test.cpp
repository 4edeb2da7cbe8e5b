#include "core/scale/shadow/shadow.h"

#include <gtest/gtest.h>

#include "base/random.h"

namespace forewarm {
namespace {

constexpr std::size_t kMiddlePrice = 7;

/// A queue whose books are closed once a second.
struct Watched {
  Shadow shadow{1, 100};
  TimePoint now = time_point_us(1'000'000'000);
  AheadInstances ahead{};
  Duration lead = 2s;

  Watched() { shadow.guess_service(500ms); }
  void pass(Duration time) {
    for (const TimePoint end = now + time; now < end;) {
      now += 1s;
      shadow.advance(now, ahead, {.lead = lead, .cost_seconds = seconds(lead)});
    }
  }
};

TEST(Shadow, AHigherPriceMissesLessAndPaysMore) {
  Watched queue;
  Random random(3);
  for (int i = 0; i < 2000; ++i) {
    const std::uint32_t together = 1 + static_cast<std::uint32_t>(random.below(4));
    for (std::uint32_t m = 0; m < together; ++m) queue.shadow.arrive(queue.now, 0s);
    queue.pass(1s * (1 + static_cast<int>(random.below(random.chance(0.2) ? 120 : 5))));
  }
  const CandidateRecord& cheap = queue.shadow.record({.price = 1});
  const CandidateRecord& middle = queue.shadow.record({.price = kMiddlePrice});
  const CandidateRecord& dear = queue.shadow.record({.price = kPrices - 1});
  EXPECT_GT(cheap.cold, 1.2 * middle.cold);
  EXPECT_GT(middle.cold, 2 * dear.cold);
  EXPECT_LT(cheap.instance_seconds, 0.9 * middle.instance_seconds);
  EXPECT_LT(middle.instance_seconds, 0.9 * dear.instance_seconds);
}

TEST(Shadow, WhatIsAheadIsNotMissedAndIsPaidFor) {
  Watched queue;
  queue.ahead[1] = 2;
  queue.pass(10s);
  for (int i = 0; i < 100; ++i) {
    queue.shadow.arrive(queue.now, 0s);
    queue.shadow.arrive(queue.now, 0s);
    queue.pass(1h);
  }
  EXPECT_EQ(queue.shadow.record({.price = 0, .ahead = 1}).cold, 0);
  EXPECT_GT(queue.shadow.record({.price = 0, .ahead = 0}).cold, 30);
  // The books open with the first message; a day old counts by half.
  EXPECT_NEAR(queue.shadow.record({.price = 0, .ahead = 1}).instance_seconds / queue.shadow.watched_seconds(),
              2 * 24 / 0.693 * (1 - 0.0557) / 100, 0.02);
}

TEST(Shadow, WhatIsAskedForIsThereALeadLater) {
  Watched queue;
  queue.pass(1s);
  queue.lead = 20s;
  queue.ahead[4] = 1;
  queue.pass(5s);
  queue.shadow.arrive(queue.now, 0s);
  queue.pass(1s);
  EXPECT_EQ(queue.shadow.record({.price = 0, .ahead = 4}).cold, 1);
  EXPECT_TRUE(queue.shadow.last_was_cold({.price = 0, .ahead = 4}));
  queue.pass(2h);
  queue.shadow.arrive(queue.now, 0s);
  EXPECT_FALSE(queue.shadow.last_was_cold({.price = 0, .ahead = 4}));
  EXPECT_TRUE(queue.shadow.last_was_cold({.price = 0, .ahead = 0}));
}

TEST(Shadow, AnInstanceIsWantedWhileItsNextNeedIsLikely) {
  Watched queue;
  for (int i = 0; i < 40; ++i) {
    queue.shadow.arrive(queue.now, 0s);
    queue.pass(300s);
  }
  queue.shadow.arrive(queue.now, 0s);
  queue.pass(1s);
  EXPECT_EQ(queue.shadow.wanted({.price = kMiddlePrice}), 0U) << "nothing ever came so soon";
  queue.pass(296s);
  EXPECT_EQ(queue.shadow.wanted({.price = kMiddlePrice}), 1U) << "it starts in time for the next";
  EXPECT_EQ(queue.shadow.wanted({.price = 0}), 0U);
}

TEST(Shadow, ALevelThatWasNeverNeededIsNotNeededSoon) {
  Watched queue;
  EXPECT_EQ(queue.shadow.need_per_second(0, queue.now), 0);
  for (int i = 0; i < 20; ++i) {
    queue.shadow.arrive(queue.now, 0s);
    queue.pass(10s);
    queue.shadow.arrive(queue.now, 0s);
    queue.shadow.arrive(queue.now, 0s);
    queue.pass(100s);
  }
  queue.shadow.arrive(queue.now, 0s);
  queue.shadow.arrive(queue.now, 0s);
  queue.pass(5s);
  EXPECT_GT(queue.shadow.need_per_second(0, queue.now), queue.shadow.need_per_second(1, queue.now));
  EXPECT_GT(queue.shadow.need_per_second(1, queue.now), 0);
  EXPECT_EQ(queue.shadow.need_per_second(2, queue.now), 0);
}

}  // namespace
}  // namespace forewarm
