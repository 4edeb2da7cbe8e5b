#include "core/scale/override.h"

#include <gtest/gtest.h>

#include <vector>

#include "core/scale/scaler.h"

namespace forewarm {
namespace {

constexpr TimePoint kSix = time_point_us(64'800'000'000);  // 18:00
constexpr TimePoint kSeven = kSix + 1h;

/// A queue that nothing is known of but a start time of 5 s.
struct OverriddenQueue {
  ScalingInputs inputs;
  ScalingSettings settings;
  std::vector<ScalingOverride> overrides;

  OverriddenQueue() {
    inputs.queue = QueueId(1);
    inputs.instances_limit = 100;
    inputs.service_time = {.mean = 1s, .p95 = 2s, .observed = 1000};
    inputs.start_time = {.mean = 4s, .p95 = 5s, .observed = 20};
    settings.instances_max = 50;
  }
  ScalingPlan plan(TimePoint at) {
    inputs.now = at;
    inputs.overrides = overrides;
    return make_predictive_scaler(settings)->plan(inputs);
  }
  std::uint32_t start_now(TimePoint at) {
    inputs.now = at;
    inputs.overrides = overrides;
    return make_predictive_scaler(settings)->start_now(inputs);
  }
};

TEST(Override, AtLeastHoldsFromTheStartTimeBeforeItsWindowUntilItsEnd) {
  OverriddenQueue queue;
  queue.overrides = {{.from = kSix, .until = kSeven, .at_least = 7U, .at_most = {}}};
  EXPECT_EQ(queue.plan(kSix - 5001ms).instances, 0U);
  const ScalingPlan plan = queue.plan(kSix - 5s);
  EXPECT_EQ(plan.instances, 7U);
  EXPECT_EQ(plan.warm_floor, 7U);
  EXPECT_EQ(plan.reason.constraint, Constraint::Override);
  EXPECT_EQ(queue.plan(kSeven - 1us).instances, 7U);
  EXPECT_EQ(queue.plan(kSeven).instances, 0U);
}

TEST(Override, AtLeastStaysBelowTheOperatorsMaximum) {
  OverriddenQueue queue;
  queue.overrides = {{.from = kSix, .until = kSeven, .at_least = 70U, .at_most = {}}};
  EXPECT_EQ(queue.plan(kSix).instances, 50U);
}

TEST(Override, AtMostBeginsWithItsWindowAndLeavesWhatWaitsOneInstance) {
  OverriddenQueue queue;
  queue.inputs.backlog.ready = 30;
  queue.overrides = {{.from = kSix, .until = kSeven, .at_least = {}, .at_most = 1U}};
  EXPECT_EQ(queue.plan(kSix - 1s).instances, 30U);
  EXPECT_EQ(queue.plan(kSix).instances, 1U);
  EXPECT_EQ(queue.plan(kSix).reason.constraint, Constraint::Override);
  EXPECT_EQ(queue.start_now(kSix), 1U);
}

TEST(Override, OnlyAnAtMostOfZeroLeavesWhatWaitsWithoutInstances) {
  OverriddenQueue queue;
  queue.inputs.backlog.ready = 30;
  queue.overrides = {{.from = kSix, .until = kSeven, .at_least = {}, .at_most = 0U}};
  EXPECT_EQ(queue.plan(kSix).instances, 0U);
  EXPECT_EQ(queue.start_now(kSix), 0U);
  EXPECT_GT(queue.start_now(kSeven), 0U);
}

TEST(Override, AFactorMultipliesThePlanAndNeverTakesFromWhatWaits) {
  OverriddenQueue queue;
  queue.inputs.backlog.ready = 6;
  queue.overrides = {{.from = kSix, .until = kSeven, .at_least = {}, .at_most = {}, .factor = 5}};
  EXPECT_EQ(queue.plan(kSix).instances, 30U);
  EXPECT_EQ(queue.plan(kSix).reason.constraint, Constraint::Override);
  queue.overrides[0].factor = 0.1;
  EXPECT_EQ(queue.plan(kSix).instances, 6U);
  EXPECT_EQ(queue.plan(kSix).reason.constraint, Constraint::Backlog);
}

TEST(Override, WindowsThatOverlapCountTogether) {
  const std::vector<ScalingOverride> overrides{
      {.from = kSix - 1h, .until = kSeven, .at_least = 3U, .at_most = {}, .factor = 1},
      {.from = kSix, .until = kSeven, .at_least = 5U, .at_most = {}, .factor = 1},
      {.from = kSix, .until = kSeven, .at_least = {}, .at_most = 9U, .factor = 1},
      {.from = kSix, .until = kSeven, .at_least = {}, .at_most = 8U, .factor = 1},
      {.from = kSix, .until = kSeven, .at_least = {}, .at_most = {}, .factor = 2},
      {.from = kSix, .until = kSeven, .at_least = {}, .at_most = {}, .factor = 3}};
  const OverrideBounds bounds = overrides_at(overrides, kSix, 0s);
  EXPECT_EQ(bounds.at_least, 5U);
  EXPECT_EQ(bounds.at_most, 8U);
  EXPECT_DOUBLE_EQ(bounds.factor, 6);
}

TEST(Override, EveryChangeIsKnownBeforeItComes) {
  const std::vector<ScalingOverride> overrides{
      {.from = kSix, .until = kSeven, .at_least = 3U, .at_most = {}, .factor = 1},
      {.from = kSix + 10min, .until = kSix + 20min, .at_least = {}, .at_most = 2U, .factor = 1}};
  std::vector<TimePoint> changes;
  for (TimePoint at = kSix - 1h; changes.size() < 10; changes.push_back(at)) {
    at = next_override_change(overrides, at, 1min);
    if (at == kNever) break;
  }
  EXPECT_EQ(changes,
            (std::vector<TimePoint>{kSix - 1min, kSix, kSix + 9min, kSix + 10min, kSix + 20min, kSeven}));
  EXPECT_EQ(next_override_change(overrides, kSix - 30s, 10min + 29s), kSix - 29s)
      << "the second is to be warmed before the first begins";
}

}  // namespace
}  // namespace forewarm
