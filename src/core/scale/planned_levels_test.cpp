#include "core/scale/planned_levels.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/random.h"

namespace forewarm {
namespace {

const TimePoint kNoon = TimePoint(1'700'006'400s);  // a whole minute

Directive from_minute(double from, std::uint32_t instances, Duration lead = Duration(0)) {
  Directive directive;
  directive.from = kNoon + from_seconds(60 * from);
  directive.set_at = directive.from - lead;
  directive.instances = instances;
  return directive;
}

using Levels = std::vector<PlannedLevel>;
PlannedLevel at_minute(int minute, std::uint32_t instances) {
  return {kNoon + minute * 1min, instances};
}

TEST(PlannedLevels, RisesAreEarlyByTheLeadAndFallsLateByTheDelay) {
  const std::vector<Directive> course{from_minute(10.5, 9, 2min), from_minute(20.5, 3)};
  EXPECT_EQ(planned_levels(course, kNoon, 3, {.delay = 5min}), (Levels{at_minute(8, 9), at_minute(26, 3)}));
  EXPECT_EQ(planned_levels(course, kNoon, 3, {.every = 5min, .delay = 5min}),
            (Levels{at_minute(5, 9), at_minute(30, 3)}));
}

TEST(PlannedLevels, ARiseThatIsNearHoldsWhateverFellBefore) {
  // Down for two minutes is shorter than the delay.
  const std::vector<Directive> course{from_minute(3, 2), from_minute(5, 8, 1min), from_minute(6, 1)};
  EXPECT_EQ(planned_levels(course, kNoon, 8, {.delay = 5min}), (Levels{at_minute(11, 1)}));
  EXPECT_EQ(planned_levels(course, kNoon, 8, {.delay = Duration(0)}),
            (Levels{at_minute(3, 2), at_minute(4, 8), at_minute(6, 1)}));
}

TEST(PlannedLevels, WhatIsDueIsNotToCome) {
  EXPECT_EQ(planned_levels({}, kNoon, 3, {}), Levels{});
  const std::vector<Directive> course{from_minute(-1, 7)};
  // It is told at once, and until then is due at the next whole minute.
  EXPECT_EQ(planned_levels(course, kNoon + 30s, 3, {}), (Levels{at_minute(1, 7)}));
  EXPECT_EQ(planned_levels(course, kNoon + 30s, 7, {}), Levels{});
  // Fewer are told by whoever looks at the queue; until then they are not planned, but what comes after is.
  EXPECT_EQ(planned_levels(course, kNoon + 30s, 9, {}), Levels{});
  const std::vector<Directive> later{from_minute(-1, 7), from_minute(10, 12), from_minute(20, 5)};
  EXPECT_EQ(planned_levels(later, kNoon + 30s, 9, {.delay = 5min}),
            (Levels{at_minute(10, 12), at_minute(25, 5)}));
}

TEST(PlannedLevels, WithRoomForFewTheCheapestStepsGo) {
  const std::vector<Directive> course{from_minute(10, 5), from_minute(11, 6), from_minute(30, 40),
                                      from_minute(50, 39), from_minute(60, 2)};
  const LevelRules rules{.delay = Duration(0), .steps_max = 3};
  EXPECT_EQ(planned_levels(course, kNoon, 1, rules),
            (Levels{at_minute(10, 6), at_minute(30, 40), at_minute(60, 2)}));
  EXPECT_EQ(planned_levels(course, kNoon, 1, {.delay = Duration(0), .steps_max = 1}),
            (Levels{at_minute(10, 40)}));
}

/// How many are set at a time.
std::uint32_t level_at(const Levels& levels, std::uint32_t set, TimePoint at) {
  for (const PlannedLevel& level : levels)
    if (level.at <= at) set = level.instances;
  return set;
}

TEST(PlannedLevels, NeverFewerThanTheCourseWantsAtAnyTime) {
  Random random(7);
  for (int world = 0; world < 300; ++world) {
    std::vector<Directive> course;
    double at = 1;
    const std::uint32_t set = static_cast<std::uint32_t>(random.uniform() * 10);
    for (int i = 0; i < 12; ++i)
      course.push_back(from_minute(at += 1 + random.uniform() * 4,
                                   static_cast<std::uint32_t>(random.uniform() * 20), 90s));
    const LevelRules rules{
        .every = 1min, .delay = 2min, .steps_max = 1 + static_cast<std::size_t>(world % 9)};
    const TimePoint now = kNoon + from_seconds(random.uniform() * 60);
    const Levels levels = planned_levels(course, now, set, rules);
    EXPECT_LE(levels.size(), rules.steps_max);
    EXPECT_TRUE(std::ranges::is_sorted(levels, {}, &PlannedLevel::at));
    std::uint32_t wanted = set;
    for (TimePoint t = kNoon + 1min; t < kNoon + 70min; t += 10s) {
      for (const Directive& directive : course)
        if (directive.from <= t) wanted = directive.instances;
      ASSERT_GE(level_at(levels, set, t), wanted) << "world " << world << " at " << (t - kNoon) / 1s;
    }
    for (const PlannedLevel& level : levels) EXPECT_GT(level.at, now);
  }
}

}  // namespace
}  // namespace forewarm
