#include "core/scale/actuator.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>
#include <vector>

#include "base/random.h"

namespace forewarm {
namespace {

const TimePoint kBegin = time_point_us(1'000'000'000);

std::vector<ProjectedSlot> slots_of(const std::vector<std::uint32_t>& wanted, double seconds = 60) {
  std::vector<ProjectedSlot> slots;
  for (const std::uint32_t instances : wanted) {
    ProjectedSlot slot{.at = kBegin + from_seconds(seconds * static_cast<double>(slots.size())),
                       .instances = instances,
                       .outlook = {},
                       .reason = {}};
    slot.outlook.seconds = seconds;
    slots.push_back(slot);
  }
  return slots;
}

using Numbers = std::vector<std::uint32_t>;

TEST(Actuator, WithoutLimitsWhatIsWantedIsSet) {
  EXPECT_EQ(set_least_cost(slots_of({2, 5, 5, 1, 0}), 2, {}, 1, 99), (Numbers{2, 5, 5, 1, 0}));
}

TEST(Actuator, AChangeThatCostsMoreThanItSavesIsNotMade) {
  // Going down by one for a minute saves 60 s.
  EXPECT_EQ(set_least_cost(slots_of({3, 2, 3}), 3, {.change_cost_seconds = 20}, 10, 99), (Numbers{3, 2, 3}));
  EXPECT_EQ(set_least_cost(slots_of({3, 2, 3}), 3, {.change_cost_seconds = 30}, 10, 99), (Numbers{3, 3, 3}));
  EXPECT_EQ(set_least_cost(slots_of({3, 2, 3}), 3, {}, 61, 99), (Numbers{3, 3, 3})) << "a start does too";
}

TEST(Actuator, WhatTheOperatorForbidsIsWorthTheStartsThatItTakes) {
  auto slots = slots_of({5, 0, 5});
  EXPECT_EQ(set_least_cost(slots, 5, {}, 100, 99), (Numbers{5, 5, 5})) << "starts cost more";
  slots[1].most = 0;
  EXPECT_EQ(set_least_cost(slots, 5, {}, 100, 99), (Numbers{5, 0, 5}));
}

TEST(Actuator, InstancesComeInMultiples) {
  EXPECT_EQ(set_least_cost(slots_of({1, 5}), 0, {.granularity = 4}, 1, 99), (Numbers{4, 8}));
}

TEST(Actuator, WhatTheTargetWouldIgnoreIsNotAskedFor) {
  // 20 to 21 and 22 are within a tenth: 23 is the least that an HPA would act on.
  EXPECT_EQ(set_least_cost(slots_of({22, 22}), 20, {.dead_band = 0.1}, 1, 99), (Numbers{23, 23}));
  EXPECT_EQ(set_least_cost(slots_of({19, 19}), 20, {.dead_band = 0.1}, 1, 99), (Numbers{20, 20}));
}

TEST(Actuator, AChangeThatMayAddFewBeginsEarly) {
  EXPECT_EQ(set_least_cost(slots_of({0, 0, 0, 9}), 0, {.granularity = 3, .change_max = 3}, 1, 99),
            (Numbers{0, 3, 6, 9}));
}

TEST(Actuator, NoOtherCourseIsCheaper) {
  Random random(23);
  for (int round = 0; round < 200; ++round) {
    Numbers wanted;
    for (int i = 0; i < 4; ++i) wanted.push_back(static_cast<std::uint32_t>(random.below(5)));
    const auto now_set = static_cast<std::uint32_t>(random.below(5));
    const ActuatorModel actuator{.change_max = static_cast<std::uint32_t>(random.below(3)),
                                 .change_cost_seconds = random.uniform() * 100};
    const double start = random.uniform() * 90, missing = 1 + random.uniform() * 5;
    const auto slots = slots_of(wanted);
    const auto cost_of = [&](const Numbers& set) {
      double cost = 0;
      std::uint32_t before = now_set;
      for (std::size_t i = 0; i < set.size(); ++i) {
        const double more = static_cast<double>(set[i]) - before;
        if (actuator.change_max > 0 && more > actuator.change_max)
          return std::numeric_limits<double>::infinity();
        cost += more != 0 ? actuator.change_cost_seconds + std::max(0.0, more) * start : 0;
        const double over = static_cast<double>(set[i]) - wanted[i];
        cost += 60 * (over >= 0 ? over : -over * missing);
        before = set[i];
      }
      return cost;
    };
    const double ours = cost_of(set_least_cost(slots, now_set, actuator, start, missing));
    // Numbers between those wanted are of no use: what is linear between them has its least at one of them.
    Numbers of_use = wanted;
    of_use.push_back(now_set);
    Numbers set(4);
    std::function<void(std::size_t)> all = [&](std::size_t slot) {
      if (slot == set.size()) {
        EXPECT_LE(ours, cost_of(set) + 1e-9);
        return;
      }
      for (const std::uint32_t number : of_use) {
        set[slot] = number;
        all(slot + 1);
      }
    };
    all(0);
  }
}

TEST(Directives, SayWhatWhenUntilWhenAndWhatItTakes) {
  auto slots = slots_of({1, 4, 4, 1});
  for (ProjectedSlot& slot : slots) {
    slot.outlook.service_seconds = 10;
    slot.outlook.messages.fill(slot.instances * 5.0);
  }
  const ActuatorModel actuator{.lead = 20s};
  const auto directives =
      directives_of(QueueId(7), slots, set_least_cost(slots, 1, actuator, 1, 99), 1, actuator);
  ASSERT_EQ(directives.size(), 2U);
  EXPECT_EQ(directives[0].queue, QueueId(7));
  EXPECT_EQ(directives[0].instances, 4U);
  EXPECT_EQ(directives[0].before, 1U);
  EXPECT_EQ(directives[0].set_at, kBegin + 40s);
  EXPECT_EQ(directives[0].from, kBegin + 60s);
  EXPECT_EQ(directives[0].until, kBegin + 180s);
  EXPECT_EQ(directives[0].cost_seconds, 3 * 120);
  EXPECT_GT(directives[0].late_messages_saved, 10);
  EXPECT_EQ(directives[1].instances, 1U);
  EXPECT_EQ(directives[1].set_at, directives[1].from) << "fewer are not told early";
  EXPECT_EQ(directives[1].cost_seconds, -3 * 60);
  EXPECT_LE(directives[1].late_messages_saved, 0);
}

TEST(Directives, NoneWhereNothingChanges) {
  const auto slots = slots_of({2, 2});
  EXPECT_TRUE(directives_of(QueueId(7), slots, set_least_cost(slots, 2, {}, 1, 99), 2, {}).empty());
}

}  // namespace
}  // namespace forewarm
