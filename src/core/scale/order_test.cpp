#include "core/scale/order.h"

#include <gtest/gtest.h>

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

TEST(ScalingOrder, IsOverAtItsEnd) {
  const ScalingOrder force{.kind = OrderKind::Force, .instances = 3, .until = time_point_us(1'000'000)};
  EXPECT_EQ(order_at(force, time_point_us(999'999)), force);
  EXPECT_EQ(order_at(force, time_point_us(1'000'000)), ScalingOrder{});
}

}  // namespace
}  // namespace forewarm
