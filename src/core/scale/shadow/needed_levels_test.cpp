#include "core/scale/shadow/needed_levels.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "base/random.h"

namespace forewarm {
namespace {

TimePoint at(double time) {
  return TimePoint(from_seconds(time));
}

TEST(NeededLevels, WithoutSlackTheyAreTheMessagesAtWork) {
  NeededLevels levels(1, 100);
  EXPECT_TRUE(levels.arrive(at(100), 0s, 1s).first);
  EXPECT_EQ(levels.arrive(at(100.5), 0s, 5s).level, 1U);
  const NeededLevels::Need again = levels.arrive(at(103), 0s, 1s);
  EXPECT_EQ(again.level, 0U);
  EXPECT_EQ(again.gap, 2s) << "idle since 101";
  EXPECT_FALSE(again.first);
  EXPECT_EQ(levels.arrive(at(103), 0s, 1s).level, 2U);
  EXPECT_EQ(levels.count(), 3U);
  EXPECT_EQ(levels.idle_from(1), at(105.5));
}

TEST(NeededLevels, OneThatWasWokenHelpsTheOthersUntilNothingWaits) {
  NeededLevels levels(1, 100);
  for (int i = 0; i < 6; ++i) levels.arrive(at(100), 5s, 1s);
  EXPECT_EQ(levels.count(), 1U) << "the last starts after 5 s";
  EXPECT_EQ(levels.arrive(at(100), 5s, 1s).level, 1U);
  for (int i = 0; i < 5; ++i)
    EXPECT_EQ(levels.arrive(at(100), 5s, 1s).level, 1U) << "where the wait is shortest";
  EXPECT_EQ(levels.arrive(at(107), 5s, 1s).level, 0U) << "both are idle: the lowest";
  EXPECT_EQ(levels.arrive(at(107), 5s, 1s).level, 0U);
  EXPECT_EQ(levels.idle_from(1), at(106));
}

TEST(NeededLevels, AMessageWaitsWithinTheSlackForALowerOne) {
  NeededLevels levels(1, 100);
  levels.arrive(at(100), 500ms, 1s);
  const NeededLevels::Need waits = levels.arrive(at(100.5), 500ms, 1s);
  EXPECT_EQ(waits.level, 0U);
  EXPECT_EQ(waits.gap, 0s);
  EXPECT_EQ(levels.idle_from(0), at(102));
  EXPECT_EQ(levels.arrive(at(101.4), 500ms, 1s).level, 1U) << "would wait for 0.6 s";
}

TEST(NeededLevels, AnInstanceForTwoIsIdleWhenBothAreDone) {
  NeededLevels levels(2, 100);
  levels.arrive(at(100), 0s, 1s);
  EXPECT_EQ(levels.arrive(at(100), 0s, 4s).level, 0U);
  EXPECT_EQ(levels.arrive(at(100), 0s, 1s).level, 1U);
  EXPECT_EQ(levels.arrive(at(102), 0s, 1s).gap, 0s) << "its other slot is at work";
  EXPECT_EQ(levels.arrive(at(110), 0s, 1s).gap, 6s);
}

TEST(NeededLevels, AboveTheMostItQueuesOnTheFirstToBeFree) {
  NeededLevels levels(1, 2);
  levels.arrive(at(100), 0s, 9s);
  levels.arrive(at(100), 0s, 5s);
  EXPECT_EQ(levels.arrive(at(101), 0s, 1s).level, 1U);
  EXPECT_EQ(levels.idle_from(1), at(106));
  EXPECT_EQ(levels.count(), 2U);
}

TEST(NeededLevels, AgreeWithLookingAtEverySlot) {
  Random random(11);
  for (int round = 0; round < 30; ++round) {
    const auto slack = from_seconds(random.uniform() * 2);
    NeededLevels levels(1, 1000);
    std::vector<TimePoint> free_at;
    TimePoint now = at(1000);
    for (int i = 0; i < 500; ++i) {
      now += from_seconds(random.uniform() * 0.3);
      const auto service = from_seconds(random.uniform() * (random.chance(0.05) ? 30 : 1));
      std::size_t slot = free_at.size();
      for (std::size_t s = 0; s < free_at.size(); ++s) {
        const bool works = free_at[s] > now && free_at[s] <= now + slack;
        if (works && (slot == free_at.size() || free_at[s] < free_at[slot])) slot = s;
      }
      for (std::size_t s = 0; s < free_at.size() && slot == free_at.size(); ++s) {
        if (free_at[s] <= now) slot = s;
      }
      if (slot == free_at.size()) free_at.push_back(now);
      const Duration gap = std::max(now - free_at[slot], Duration(0));
      const NeededLevels::Need need = levels.arrive(now, slack, service);
      ASSERT_EQ(need.level, slot);
      ASSERT_EQ(need.gap, gap);
      free_at[slot] = std::max(now, free_at[slot]) + service;
      ASSERT_EQ(levels.idle_from(need.level), free_at[slot]);
    }
    ASSERT_EQ(levels.count(), free_at.size());
  }
}

}  // namespace
}  // namespace forewarm
