#include "edge/cloud/targets/level_schedule.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/random.h"

namespace forewarm {
namespace {

const TimePoint kSix = TimePoint(1'700'006'400s);

ScheduledLevel kept(int number, int minute, std::uint32_t instances) {
  return {level_name("orders", static_cast<std::size_t>(number)), kSix + minute * 1min, instances};
}
PlannedLevel want(int minute, std::uint32_t instances) {
  return {kSix + minute * 1min, instances};
}
ScheduleChange put(const ScheduledLevel& level) {
  return {ScheduleChange::Kind::Put, level};
}
ScheduleChange removal(const ScheduledLevel& level) {
  return {ScheduleChange::Kind::Remove, level};
}

using Kept = std::vector<ScheduledLevel>;
using Wanted = std::vector<PlannedLevel>;
using Changes = std::vector<ScheduleChange>;

Changes changes_of(const Kept& there, const Wanted& wanted, std::uint32_t set = 2) {
  return schedule_changes(there, wanted, {.now = kSix, .set = set, .queue = "orders", .slack = 1min});
}

/// What is there afterwards.
Kept after(Kept there, const Changes& changes) {
  for (const ScheduleChange& change : changes) {
    std::erase_if(there, [&](const ScheduledLevel& level) { return level.name == change.level.name; });
    if (change.kind == ScheduleChange::Kind::Put) there.push_back(change.level);
  }
  return there;
}

TEST(LevelSchedule, WhatIsWantedIsPutAndTheSameAgainChangesNothing) {
  const Wanted wanted{want(5, 9), want(15, 2)};
  const Changes changes = changes_of({}, wanted);
  EXPECT_EQ(changes, (Changes{put(kept(1, 5, 9)), put(kept(2, 15, 2))}));
  EXPECT_EQ(changes_of(after({}, changes), wanted), Changes{});
}

TEST(LevelSchedule, WhatIsGoodEnoughStays) {
  // A minute early, and one more.
  EXPECT_EQ(changes_of({kept(1, 4, 10), kept(2, 16, 3)}, {want(5, 9), want(15, 2)}), Changes{});
  // Too late, too few, too many, too early.
  EXPECT_EQ(changes_of({kept(1, 6, 9)}, {want(5, 9)}), (Changes{put(kept(1, 5, 9))}));
  EXPECT_EQ(changes_of({kept(1, 5, 8)}, {want(5, 9)}), (Changes{put(kept(1, 5, 9))}));
  EXPECT_EQ(changes_of({kept(1, 5, 30)}, {want(5, 20)}), (Changes{put(kept(1, 5, 20))}));
  EXPECT_EQ(changes_of({kept(1, 14, 2)}, {want(15, 2)}, 9), (Changes{put(kept(1, 15, 2))}));
}

TEST(LevelSchedule, AFallThatWouldComeAfterTheNextRiseDoesNotStay) {
  const Kept there{kept(1, 6, 3), kept(2, 6, 9)};
  EXPECT_EQ(changes_of(there, {want(5, 3), want(6, 9)}, 8), (Changes{put(kept(1, 5, 3))}));
}

TEST(LevelSchedule, WhatIsNotWantedGivesItsNameOrGoes) {
  EXPECT_EQ(changes_of({kept(4, 5, 9), kept(7, 20, 2)}, {want(8, 5)}),
            (Changes{put(kept(4, 8, 5)), removal(kept(7, 20, 2))}));
  EXPECT_EQ(changes_of({kept(1, 5, 9)}, {}), (Changes{removal(kept(1, 5, 9))}));
}

TEST(LevelSchedule, WhatHasPassedIsLeftAWhileAndItsNameIsNotTaken) {
  EXPECT_EQ(changes_of({kept(1, -1, 9)}, {want(5, 9)}, 9 - 1), (Changes{put(kept(2, 5, 9))}));
  EXPECT_EQ(changes_of({kept(1, -11, 9)}, {}), (Changes{removal(kept(1, -11, 9))}));
  // What is no level of ours any more has passed for long.
  const ScheduledLevel odd{level_name("orders", 3), TimePoint(), 0};
  EXPECT_EQ(changes_of({odd}, {}), (Changes{removal(odd)}));
}

TEST(LevelSchedule, WhatIsDueWithinMomentsIsNotPut) {
  EXPECT_EQ(changes_of({}, {{kSix + 5s, 9}, want(5, 2)}), (Changes{put(kept(1, 5, 2))}));
}

TEST(LevelSchedule, WhenNothingIsKnownOnlyRisesStay) {
  const Kept there{kept(3, 30, 9), kept(1, 5, 6), kept(2, 20, 2), kept(4, -1, 20)};
  const Wanted rises = rises_only(there, kSix, 2);
  EXPECT_EQ(rises, (Wanted{want(5, 6), want(30, 9)}));
  EXPECT_EQ(changes_of(there, rises), (Changes{removal(kept(2, 20, 2))}));
  EXPECT_EQ(rises_only(there, kSix, 9), Wanted{});
}

TEST(LevelSchedule, NamesTellWhoseTheyAre) {
  EXPECT_EQ(level_name("orders", 7), "forewarm-orders-007");
  EXPECT_TRUE(is_level_name("forewarm-orders-007", "orders"));
  for (const char* foreign : {"forewarm-orders-07", "forewarm-orders-0007", "forewarm-orders-mine",
                              "orders-007", "forewarm-orders-eu-007", "forewarm-orders", ""})
    EXPECT_FALSE(is_level_name(foreign, "orders")) << foreign;
}

std::uint32_t level_at(const Kept& there, std::uint32_t set, TimePoint at) {
  Kept sorted = there;
  std::ranges::sort(sorted, {}, &ScheduledLevel::at);
  for (const ScheduledLevel& level : sorted)
    if (level.at > kSix && level.at <= at) set = level.instances;
  return set;
}

TEST(LevelSchedule, AfterTheChangesThereAreAsManyAsWantedAtAnyTimeAndFewMore) {
  Random random(11);
  const auto some = [&random](int most) { return static_cast<int>(random.uniform() * most); };
  for (int world = 0; world < 2'000; ++world) {
    Kept there;
    for (int i = some(8), minute = -2; i > 0; --i)
      there.push_back(kept(i, minute += 1 + some(4), static_cast<std::uint32_t>(some(12))));
    Wanted wanted;
    const auto set = static_cast<std::uint32_t>(some(12));
    std::uint32_t before = set;
    for (int i = some(8), minute = 0; i > 0; --i) {
      const auto level = static_cast<std::uint32_t>(some(12));
      minute += 1 + some(4);
      if (level != before) wanted.push_back(want(minute, level));
      before = level;
    }
    const Kept now_there = after(there, changes_of(there, wanted, set));
    std::uint32_t wanted_now = set;
    for (int minute = 1; minute < 60; ++minute) {
      for (const PlannedLevel& each : wanted)
        if (each.at <= kSix + minute * 1min) wanted_now = each.instances;
      ASSERT_GE(level_at(now_there, set, kSix + minute * 1min), wanted_now) << "world " << world;
    }
    EXPECT_LE(level_at(now_there, set, kSix + 1h), wanted_now + 1) << "world " << world;
  }
}

}  // namespace
}  // namespace forewarm
