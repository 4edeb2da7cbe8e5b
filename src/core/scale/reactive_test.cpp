#include "core/scale/reactive.h"

#include <gtest/gtest.h>

namespace forewarm {
namespace {

ScalingInputs inputs(std::uint32_t ready, InstanceCounts instances, Duration service = 1s) {
  ScalingInputs result;
  result.backlog.ready = ready;
  result.backlog.in_flight = instances.busy;
  result.instances = instances;
  result.instances_limit = 1000;
  result.service_time = {.mean = service, .p95 = service * 2, .observed = service > Duration(0) ? 100U : 0U};
  result.start_time = {.mean = 2s, .p95 = 3s, .observed = 10};
  return result;
}

ScalingSettings settings(Duration objective = 500ms) {
  ScalingSettings result;
  result.objective = objective;
  result.instances_max = 200;
  return result;
}

TEST(Reactive, StartsWhatTheWaitingMessagesNeedWithinTheObjective) {
  EXPECT_EQ(instances_to_start(inputs(0, {}), settings()), 0U);
  EXPECT_EQ(instances_to_start(inputs(1, {}), settings()), 1U);
  // One instance begins 1 + 0.5 messages of 1 s within 500 ms.
  EXPECT_EQ(instances_to_start(inputs(30, {}), settings()), 20U);
  EXPECT_EQ(instances_to_start(inputs(30, {}, 100ms), settings()), 5U);
}

TEST(Reactive, LeavesAloneWhatBusyInstancesBeginInTime) {
  EXPECT_EQ(instances_to_start(inputs(5, {.busy = 10}), settings()), 0U);
  EXPECT_EQ(instances_to_start(inputs(6, {.busy = 10}), settings()), 1U);
  EXPECT_EQ(instances_to_start(inputs(5, {.busy = 10}), settings(400ms)), 1U);
}

TEST(Reactive, StartingOnesCountSoAskingAgainAsksForNoMore) {
  ScalingInputs now = inputs(0, {.busy = 2});
  std::uint32_t started = 0;
  for (std::uint32_t message = 1; message <= 100; ++message) {
    now.backlog.ready = message;
    const std::uint32_t more = instances_to_start(now, settings());
    now.instances.starting += more;
    started += more;
    ASSERT_EQ(instances_to_start(now, settings()), 0U);
  }
  EXPECT_EQ(started, 66U) << "100 - 2 x 0.5 messages at 1.5 an instance";
}

TEST(Reactive, MakesSureOfAStartByStartingMoreThanOne) {
  const StartManner twice{.starts_per_cold = 2};
  ScalingInputs now = inputs(1, {});
  EXPECT_EQ(instances_to_start(now, settings(), twice), 2U);
  now.instances.starting = 2;
  EXPECT_EQ(instances_to_start(now, settings(), twice), 0U);
  now.backlog.ready = 2;
  EXPECT_EQ(instances_to_start(now, settings(), twice), 2U) << "another message";
  now.instances = {.starting = 3, .busy = 1};
  now.backlog = {.ready = 1, .in_flight = 1};
  EXPECT_EQ(instances_to_start(now, settings(), twice), 0U) << "the first was ready";
  now.instances = {.starting = 1};
  EXPECT_EQ(instances_to_start(now, settings(), twice), 2U) << "the one that is left was slow";
  now.instances_limit = 1;
  now.instances = {};
  EXPECT_EQ(instances_to_start(now, settings(), twice), 1U) << "no more than may be";
}

TEST(Reactive, AnInstanceThatHoldsSeveralMessagesCountsForSeveral) {
  ScalingSettings roomy = settings();
  roomy.instance_capacity = 10;
  EXPECT_EQ(instances_to_start(inputs(30, {}), roomy), 2U);
}

TEST(Reactive, NeverAboveALimit) {
  ScalingSettings tight = settings();
  tight.instances_max = 7;
  EXPECT_EQ(instances_to_start(inputs(1000, {.starting = 1, .idle = 0, .busy = 3}), tight), 3U);
  EXPECT_EQ(instances_to_start(inputs(1000, {.busy = 9}), tight), 0U);
  ScalingInputs limited = inputs(1000, {});
  limited.instances_limit = 4;
  EXPECT_EQ(instances_to_start(limited, tight), 4U);
  tight.instances_max = 0;
  EXPECT_EQ(instances_to_start(limited, tight), 0U);
}

TEST(Reactive, WithoutAMeasuredServiceTimeAFewInstancesFindItOut) {
  EXPECT_EQ(instances_to_start(inputs(1, {}, 0s), settings()), 1U);
  EXPECT_EQ(instances_to_start(inputs(5000, {}, 0s), settings()), kUnmeasuredMax);
  EXPECT_EQ(instances_to_start(inputs(5000, {.starting = kUnmeasuredMax}, 0s), settings()), 0U);
}

TEST(Reactive, AMessageBehindHangingRunsGetsOneInstanceAtATime) {
  ScalingInputs hanging = inputs(1, {.busy = 10}, 10ms);
  EXPECT_EQ(instances_to_start(hanging, settings()), 0U);
  hanging.backlog.oldest_wait = 2s;
  EXPECT_EQ(instances_to_start(hanging, settings()), 1U);
  hanging.instances.starting = 1;
  EXPECT_EQ(instances_to_start(hanging, settings()), 0U);
}

TEST(Reactive, UpToTheBaselineThresholdOnlyTheMinimumRuns) {
  ScalingSettings patient = settings();
  patient.baseline_threshold = 10;
  EXPECT_EQ(instances_to_start(inputs(10, {}), patient), 1U) << "but never none";
  EXPECT_EQ(instances_to_start(inputs(10, {.busy = 1}), patient), 0U);
  EXPECT_EQ(instances_to_start(inputs(11, {.busy = 1}), patient), 7U);
  patient.instances_min = 3;
  EXPECT_EQ(instances_to_start(inputs(10, {.busy = 1}), patient), 2U);
}

}  // namespace
}  // namespace forewarm
