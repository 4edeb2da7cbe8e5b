#include "edge/signal/intake.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "base/random.h"

namespace forewarm {
namespace {

constexpr TimePoint kClock = time_point_us(1'772'373'730'000'000);

TEST(Intake, ValuesInOrderAreTakenAndToldOnce) {
  SignalIntake intake({});
  EXPECT_EQ(intake.take({kClock - 2min, 1}, kClock), Verdict::InOrder);
  EXPECT_EQ(intake.take({kClock - 1min, 2}, kClock), Verdict::InOrder);
  EXPECT_EQ(intake.drain(kClock), (std::vector<LevelChange>{{kClock - 2min, 1}, {kClock - 1min, 2}}));
  EXPECT_TRUE(intake.drain(kClock).empty());
}

TEST(Intake, LateDuplicatedAndOutOfOrderValuesAreToldApart) {
  SignalIntake intake({.keep = 1h});
  intake.take({kClock - 1min, 5}, kClock);
  EXPECT_EQ(intake.take({kClock - 1min, 5}, kClock), Verdict::Duplicate);
  EXPECT_EQ(intake.take({kClock - 1min, 6}, kClock), Verdict::Revised);
  EXPECT_EQ(intake.take({kClock - 3min, 4}, kClock), Verdict::OutOfOrder);
  EXPECT_EQ(intake.take({kClock - 61min, 4}, kClock), Verdict::Late);
  EXPECT_EQ(intake.count(Verdict::Late), 1U);
  EXPECT_EQ(intake.drain(kClock), (std::vector<LevelChange>{{kClock - 3min, 4}, {kClock - 1min, 6}}));
}

TEST(Intake, WhatIsNoNumberOrAbsurdIsRefused) {
  SignalIntake intake({.minimum = -50, .maximum = 60});
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  for (const double value : {std::nan(""), kInfinity, -kInfinity})
    EXPECT_EQ(intake.take({kClock, value}, kClock), Verdict::NotANumber);
  for (const double value : {61.0, -51.0, 1e300})
    EXPECT_EQ(intake.take({kClock, value}, kClock), Verdict::OutOfRange);
  EXPECT_EQ(SignalIntake({}).take({kClock, 1e16}, kClock), Verdict::OutOfRange);
  EXPECT_TRUE(intake.drain(kNever).empty());
}

TEST(Intake, TheFutureIsAMistakeUnlessItIsKnown) {
  SignalIntake price({});
  EXPECT_EQ(price.take({kClock + 30s, 1}, kClock), Verdict::InOrder);
  EXPECT_EQ(price.take({kClock + 2min, 1}, kClock), Verdict::Future);
  SignalIntake weather({.future_known = true, .future_max = 3});
  EXPECT_EQ(weather.take({kClock + 48h, 1}, kClock), Verdict::InOrder);
  EXPECT_EQ(weather.take({kClock + 24h, 2}, kClock), Verdict::InOrder);
  EXPECT_EQ(weather.take({kClock + 24h, 3}, kClock), Verdict::Revised);
  EXPECT_EQ(weather.take({kClock + 24h * 500, 3}, kClock), Verdict::Future);
  EXPECT_EQ(weather.take({kClock + 72h, 2}, kClock), Verdict::InOrder);
  EXPECT_EQ(weather.take({kClock + 73h, 2}, kClock), Verdict::Full);
  EXPECT_TRUE(weather.drain(kClock + 1h).empty());
  EXPECT_EQ(weather.drain(kClock + 24h), (std::vector<LevelChange>{{kClock + 24h, 3}}));
}

TEST(Intake, ARestoredPastIsShownAndNotTakenTwice) {
  const std::vector<LevelChange> past = {{kClock - 3min, 4}, {kClock - 2min, 5}};
  SignalIntake price({});
  price.restore(past, kClock - 1min, kClock);
  EXPECT_EQ(price.around(kClock, 5, 5), past);
  EXPECT_TRUE(price.drain(kNever).empty()) << "it is told by whoever restores it";
  EXPECT_EQ(price.take({kClock - 2min, 5}, kClock), Verdict::Duplicate);
  EXPECT_EQ(price.take({kClock - 2min, 6}, kClock), Verdict::Revised);
  EXPECT_EQ(price.take({kClock - 150s, 7}, kClock), Verdict::OutOfOrder);
  SignalIntake posts({.counts = true});
  posts.restore(past, kClock - 1min, kClock);
  EXPECT_EQ(posts.take({kClock - 150s, 1}, kClock), Verdict::Duplicate);
  EXPECT_EQ(posts.take({kClock - 61s, 1}, kClock), Verdict::Duplicate);
  EXPECT_EQ(posts.take({kClock - 1min, 1}, kClock), Verdict::InOrder);
  EXPECT_EQ(posts.drain(kClock).size(), 1U);
}

TEST(Intake, CountsAddUpAndAreKnownByTheirIds) {
  SignalIntake posts({.counts = true});
  EXPECT_EQ(posts.take({kClock, 1, "a"}, kClock), Verdict::InOrder);
  EXPECT_EQ(posts.take({kClock, 1, "a"}, kClock), Verdict::Duplicate);
  EXPECT_EQ(posts.take({kClock, 1, "b"}, kClock), Verdict::InOrder);
  EXPECT_EQ(posts.take({kClock, 1}, kClock), Verdict::InOrder);
  EXPECT_EQ(posts.drain(kClock), (std::vector<LevelChange>{{kClock, 3}}));
  posts.take({kClock, 4}, kClock);
  EXPECT_EQ(posts.drain(kClock), (std::vector<LevelChange>{{kClock, 4}}));  // what is new, not the sum
}

TEST(Intake, WhatIsCloseTogetherIsToldAsOne) {
  SignalIntake price({.cell = 10s});
  price.take({kClock + 1s, 5}, kClock + 9s);
  price.take({kClock + 3s, 7}, kClock + 9s);
  price.take({kClock + 2s, 6}, kClock + 9s);
  price.take({kClock - 1s, 4}, kClock + 9s);
  EXPECT_EQ(price.drain(kClock + 9s), (std::vector<LevelChange>{{kClock - 10s, 4}, {kClock, 7}}));
  SignalIntake posts({.counts = true, .cell = 10s});
  for (int i = 0; i < 5; ++i) posts.take({kClock + 1s * i, 1}, kClock + 9s);
  EXPECT_EQ(posts.drain(kClock + 9s), (std::vector<LevelChange>{{kClock, 5}}));
  for (int i = 0; i < 5; ++i) posts.take({kClock + 10s * i, 1}, kClock + 60s);
  EXPECT_EQ(posts.drain(kClock + 60s, 3).size(), 3U);
  EXPECT_EQ(posts.drain(kClock + 60s, 3).size(), 2U);
}

TEST(Intake, AFloodIsBounded) {
  SignalIntake intake(
      {.counts = true, .future_known = true, .past_max = 100, .future_max = 50, .ids_max = 20});
  Random random(7);
  for (int i = 0; i < 20'000; ++i) {
    const Duration away(static_cast<std::int64_t>(random.below(7'200'000'000)) - 3'600'000'000);
    intake.take({kClock + away, 1, std::to_string(i)}, kClock);
  }
  EXPECT_LE(intake.around(kClock, 100'000, 100'000).size(), 151U);
  EXPECT_GT(intake.count(Verdict::Full), 0U);
  EXPECT_EQ(intake.take({kClock, 1, "0"}, kClock), Verdict::InOrder);  // forgotten long ago
}

TEST(Intake, ItShowsWhatIsAroundNow) {
  SignalIntake intake({.future_known = true});
  for (int i = -3; i <= 3; ++i) intake.take({kClock + 1min * i, static_cast<double>(i)}, kClock);
  EXPECT_EQ(intake.around(kClock, 2, 1),
            (std::vector<LevelChange>{{kClock - 1min, -1}, {kClock, 0}, {kClock + 1min, 1}}));
}

TEST(PlanFeed, OnlyWhatChangesIsTold) {
  PlanFeed feed;
  const auto at = [](int minutes) { return kClock + 1min * minutes; };
  using Changes = std::vector<LevelChange>;
  EXPECT_EQ(feed.tell({{at(0), 0}, {at(10), 1}, {at(20), 0}}, at(30)),
            (Changes{{at(0), 0}, {at(10), 1}, {at(20), 0}}));
  EXPECT_EQ(feed.tell({{at(5), 0}, {at(10), 1}, {at(20), 0}, {at(33), 1}}, at(35)), (Changes{{at(33), 1}}));
  // The event at 10 is moved to 12 to 15.
  EXPECT_EQ(feed.tell({{at(6), 0}, {at(12), 1}, {at(15), 0}, {at(33), 1}}, at(36)),
            (Changes{{at(10), 0}, {at(12), 1}, {at(15), 0}}));
  // All gone.
  EXPECT_EQ(feed.tell({{at(7), 0}}, at(37)), (Changes{{at(12), 0}, {at(33), 0}}));
  EXPECT_TRUE(feed.tell({}, at(40)).empty());
}

TEST(PlanFeed, WhatWasToldAlwaysFollowsThePlan) {
  Random random(11);
  PlanFeed feed;
  std::map<TimePoint, double> core;
  TimePoint from = kClock;
  for (int round = 0; round < 300; ++round) {
    const TimePoint to = from + 60s;
    std::vector<LevelChange> plan{{from, static_cast<double>(random.below(2))}};
    for (TimePoint t = from + 1s; t < to; t += 1s) {
      if (random.chance(0.1) && plan.back().value != 1)
        plan.push_back({t, 1});
      else if (random.chance(0.2) && plan.back().value != 0)
        plan.push_back({t, 0});
    }
    for (const LevelChange& change : feed.tell(plan, to)) core[change.at] = change.value;
    double wanted = 0;
    std::size_t next = 0;
    for (TimePoint t = from; t < to; t += 1s) {
      while (next < plan.size() && plan[next].at <= t) wanted = plan[next++].value;
      ASSERT_EQ(std::prev(core.upper_bound(t))->second, wanted) << round;
    }
    from += 1s * static_cast<std::int64_t>(random.below(5));
  }
}

}  // namespace
}  // namespace forewarm
