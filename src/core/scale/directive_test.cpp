#include "core/scale/directive.h"

#include <gtest/gtest.h>

namespace forewarm {
namespace {

ScalingPlan directed(const ScalingDirective& directive, const DirectedQueue& queue, std::uint32_t planned) {
  ScalingPlan plan;
  plan.instances = planned;
  plan.warm_floor = planned;
  plan.keep_idle = 4s;
  plan.reason.constraint = Constraint::Cost;
  direct(directive, queue, plan);
  return plan;
}

TEST(Directive, ForceIsExactlySoManyAndKeepsNothingAboveIt) {
  const ScalingDirective force{.kind = DirectiveKind::Force, .instances = 3};
  for (const std::uint32_t planned : {0U, 3U, 9U}) {
    const ScalingPlan plan = directed(force, {.held = 5}, planned);
    EXPECT_EQ(plan.instances, 3U);
    EXPECT_LE(plan.warm_floor, 3U);
    EXPECT_EQ(plan.keep_idle, 0s);
    EXPECT_EQ(plan.reason.constraint, Constraint::Forced);
  }
  EXPECT_EQ(startable(force, 1, 10), 2U);
  EXPECT_EQ(startable(force, 4, 10), 0U);
  EXPECT_EQ(startable({.kind = DirectiveKind::Force, .instances = 0}, 0, 1), 0U);
}

TEST(Directive, PausedInStopsNothingAndMayStartMore) {
  const ScalingDirective paused{.kind = DirectiveKind::PauseIn};
  EXPECT_EQ(directed(paused, {.held = 5}, 2).instances, 5U);
  EXPECT_EQ(directed(paused, {.held = 5}, 2).reason.constraint, Constraint::Paused);
  EXPECT_EQ(directed(paused, {.held = 5}, 8).instances, 8U);
  EXPECT_EQ(directed(paused, {.held = 5}, 8).reason.constraint, Constraint::Cost) << "it bound nothing";
  EXPECT_EQ(startable(paused, 5, 10), 10U);
}

TEST(Directive, PausedOutStartsOnlyTheOneThatAMessageWithoutAnyNeeds) {
  const ScalingDirective paused{.kind = DirectiveKind::PauseOut};
  EXPECT_EQ(directed(paused, {.held = 5}, 8).instances, 5U);
  EXPECT_EQ(directed(paused, {.held = 5}, 8).warm_floor, 5U);
  EXPECT_EQ(directed(paused, {.held = 5}, 2).instances, 2U);
  EXPECT_EQ(directed(paused, {.held = 0, .starved = true}, 8).instances, 1U);
  EXPECT_EQ(startable(paused, 0, 10), 1U);
  EXPECT_EQ(startable(paused, 1, 10), 0U);
}

TEST(Directive, IsOverAtItsEnd) {
  const ScalingDirective force{
      .kind = DirectiveKind::Force, .instances = 3, .until = time_point_us(1'000'000)};
  EXPECT_EQ(directive_at(force, time_point_us(999'999)), force);
  EXPECT_EQ(directive_at(force, time_point_us(1'000'000)), ScalingDirective{});
}

}  // namespace
}  // namespace forewarm
