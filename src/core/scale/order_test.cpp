#include "core/scale/order.h"

#include <gtest/gtest.h>

#include <vector>

namespace forewarm {
namespace {

ScalingPlan plan_under(const ScalingOrder& order, const QueueUnderOrder& queue, std::uint32_t planned) {
  ScalingPlan plan;
  plan.instances = planned;
  plan.warm_floor = planned;
  plan.keep_idle = 4s;
  plan.reason.constraint = Constraint::Cost;
  carry_out(order, queue, plan);
  return plan;
}

TEST(ScalingOrder, ForceIsExactlySoManyAndKeepsNothingAboveIt) {
  const ScalingOrder force{.kind = OrderKind::Force, .instances = 3};
  for (const std::uint32_t planned : {0U, 3U, 9U}) {
    const ScalingPlan plan = plan_under(force, {.held = 5}, planned);
    EXPECT_EQ(plan.instances, 3U);
    EXPECT_LE(plan.warm_floor, 3U);
    EXPECT_EQ(plan.keep_idle, 0s);
    EXPECT_EQ(plan.reason.constraint, Constraint::Forced);
  }
  EXPECT_EQ(startable(force, 1, 10), 2U);
  EXPECT_EQ(startable(force, 4, 10), 0U);
  EXPECT_EQ(startable({.kind = OrderKind::Force, .instances = 0}, 0, 1), 0U);
}

TEST(ScalingOrder, PausedInStopsNothingAndMayStartMore) {
  const ScalingOrder paused{.kind = OrderKind::PauseIn};
  EXPECT_EQ(plan_under(paused, {.held = 5}, 2).instances, 5U);
  EXPECT_EQ(plan_under(paused, {.held = 5}, 2).reason.constraint, Constraint::Paused);
  EXPECT_EQ(plan_under(paused, {.held = 5}, 8).instances, 8U);
  EXPECT_EQ(plan_under(paused, {.held = 5}, 8).reason.constraint, Constraint::Cost) << "it bound nothing";
  EXPECT_EQ(startable(paused, 5, 10), 10U);
}

TEST(ScalingOrder, PausedOutStartsOnlyTheOneThatAMessageWithoutAnyNeeds) {
  const ScalingOrder paused{.kind = OrderKind::PauseOut};
  EXPECT_EQ(plan_under(paused, {.held = 5}, 8).instances, 5U);
  EXPECT_EQ(plan_under(paused, {.held = 5}, 8).warm_floor, 5U);
  EXPECT_EQ(plan_under(paused, {.held = 5}, 2).instances, 2U);
  EXPECT_EQ(plan_under(paused, {.held = 0, .starved = true}, 8).instances, 1U);
  EXPECT_EQ(startable(paused, 0, 10), 1U);
  EXPECT_EQ(startable(paused, 1, 10), 0U);
}

/// Of ten seconds each.
std::vector<ProjectedSlot> slots_to_come(const std::vector<std::uint32_t>& wanted) {
  std::vector<ProjectedSlot> slots(wanted.size());
  for (std::size_t i = 0; i < slots.size(); ++i) {
    slots[i].at = time_point_us(static_cast<std::int64_t>(i) * 10'000'000);
    slots[i].outlook.seconds = 10;
    slots[i].instances = wanted[i];
  }
  return slots;
}

std::vector<std::uint32_t> to_come_under(const ScalingOrder& order, std::uint32_t held,
                                         std::vector<ProjectedSlot> slots) {
  carry_out(order, held, slots);
  std::vector<std::uint32_t> instances;
  for (const ProjectedSlot& slot : slots) instances.push_back(slot.instances);
  return instances;
}

using OrderedCourse = std::vector<std::uint32_t>;

TEST(ScalingOrder, HoldsForWhatIsToComeUntilItsEnd) {
  const auto wanted = slots_to_come({1, 9, 4, 9, 4});
  const auto ordered = [](OrderKind kind, std::int64_t until_seconds, std::uint32_t instances = 0) {
    return ScalingOrder{
        .kind = kind, .instances = instances, .until = time_point_us(until_seconds * 1'000'000)};
  };
  EXPECT_EQ(to_come_under(ordered(OrderKind::Force, 30, 2), 6, wanted), (OrderedCourse{2, 2, 2, 9, 4}));
  EXPECT_EQ(to_come_under(ordered(OrderKind::Force, 35, 2), 6, wanted), (OrderedCourse{2, 2, 2, 9, 4}))
      << "what is wanted after its end begins with the slot";
  EXPECT_EQ(to_come_under(ordered(OrderKind::Force, 25, 5), 6, wanted), (OrderedCourse{5, 5, 5, 9, 4}));
  EXPECT_EQ(to_come_under(ordered(OrderKind::PauseIn, 30), 3, wanted), (OrderedCourse{3, 9, 9, 9, 4}));
  EXPECT_EQ(to_come_under(ordered(OrderKind::PauseOut, 40), 6, wanted), (OrderedCourse{1, 1, 1, 1, 4}))
      << "what is gone does not come back";
  EXPECT_EQ(to_come_under({}, 6, wanted), (OrderedCourse{1, 9, 4, 9, 4}));
}

TEST(ScalingOrder, ForbidsMoreThanItSaysInWhatIsToCome) {
  auto slots = slots_to_come({4, 4});
  carry_out({.kind = OrderKind::Force, .instances = 1, .until = time_point_us(10'000'000)}, 4, slots);
  EXPECT_EQ(slots[0].most, 1U);
  EXPECT_EQ(slots[0].reason.constraint, Constraint::Forced);
  EXPECT_EQ(slots[1].most, UINT32_MAX);
  EXPECT_NE(slots[1].reason.constraint, Constraint::Forced);
}

TEST(ScalingOrder, IsOverAtItsEnd) {
  const ScalingOrder force{.kind = OrderKind::Force, .instances = 3, .until = time_point_us(1'000'000)};
  EXPECT_EQ(order_at(force, time_point_us(999'999)), force);
  EXPECT_EQ(order_at(force, time_point_us(1'000'000)), ScalingOrder{});
}

}  // namespace
}  // namespace forewarm
