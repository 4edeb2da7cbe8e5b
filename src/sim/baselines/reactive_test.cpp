// Rules that go by what is there, against cases computed by hand from their sources.

#include <gtest/gtest.h>

#include "sim/baselines/azure_target.h"
#include "sim/baselines/keda.h"
#include "sim/baselines/openfaas.h"
#include "sim/baselines/openwhisk.h"
#include "sim/baselines/provisioned_concurrency.h"
#include "sim/baselines/target_tracking.h"
#include "sim/baselines/watch.h"
#include "sim/baselines/worker_pod_autoscaler.h"

namespace forewarm {
namespace {

TEST(KedaByValue, MultipliesWhatIsReady) {
  Watch watch(make_keda_scaler({.metric = HpaMetric::Value}));
  watch.now.backlog.ready = 20;
  watch.now.instances.idle = 1;
  EXPECT_EQ(watch.after(30s), 4U) << "4 x the target with 1 ready";
  watch.now.instances.idle = 4;
  EXPECT_EQ(watch.after(15s), 8U) << "16 with 4 ready, 8 allowed at once";
  EXPECT_EQ(watch.after(15s), 16U) << "where an average value keeps 4";
}

TEST(KedaWithABehavior, AddsFourAtFirst) {
  Watch watch(make_keda_scaler({.behavior = HpaBehavior{}}));
  watch.now.backlog.ready = 100;
  EXPECT_EQ(watch.after(15s), 5U) << "1 by KEDA + 4";
}

TEST(AzureTarget, FourMoreAtADecisionUpToTheMessagesOverTheTarget) {
  Watch watch(make_azure_target_scaler({.target = 16}));
  watch.now.backlog = {.ready = 90, .in_flight = 10};
  EXPECT_EQ(watch.after(10s), 4U);
  watch.now.instances.busy = 4;
  EXPECT_EQ(watch.after(10s), 7U) << "100 / 16 = 6.25";
  watch.now.instances.busy = 7;
  watch.now.backlog.ready = 9990;
  EXPECT_EQ(watch.after(10s), 11U);
  EXPECT_EQ(watch.start_now(), 0U) << "the scale controller decides, also from none";
}

TEST(AzureTarget, HoldsItsMaximumAndKeepsWhatIsIdleForTwentyMinutes) {
  Watch watch(make_azure_target_scaler({.max = 5}));
  watch.now.backlog.ready = 100;
  watch.now.instances.busy = 4;
  EXPECT_EQ(watch.after(10s), 5U);
  watch.now.backlog.ready = 0;
  const ScalingPlan plan = watch.scaler().plan(watch.now);
  EXPECT_EQ(plan.instances, 0U);
  EXPECT_EQ(plan.keep_idle, 20min);
}

TEST(OpenWhisk, TheFirstContainerComesAtOnceAndAlone) {
  Watch watch(make_openwhisk_scaler({}));
  watch.now.backlog.ready = 5;
  EXPECT_EQ(watch.start_now(), 1U);
  watch.now.instances.starting = 1;
  EXPECT_EQ(watch.start_now(), 0U) << "the next check is 100 ms later";
}

TEST(OpenWhisk, BeforeAnyDurationIsKnownStaleMessagesGetAContainerEach) {
  Watch watch(make_openwhisk_scaler({}));
  watch.now.backlog.ready = 5;
  watch.now.instances.starting = 1;
  EXPECT_EQ(watch.after(100ms), 0U) << "none has waited for 100 ms";
  watch.now.backlog.oldest_wait = 100ms;
  watch.now.backlog.ready = 7;
  EXPECT_EQ(watch.after(100ms), 5U) << "5 of the 7 were there at the last check; 1 of those 5 is starting";
}

TEST(OpenWhisk, FreshMessagesGetWhatFinishesThemIn100Milliseconds) {
  Watch watch(make_openwhisk_scaler({}));
  watch.now.service_time = {20ms, 20ms, 100};
  watch.now.backlog.ready = 12;
  watch.now.instances.busy = 2;
  EXPECT_EQ(watch.after(100ms), 3U) << "5 a container and 100 ms: 12 / 5 - 2 = 0.4, 1 more";
  watch.now.backlog.ready = 9;
  EXPECT_EQ(watch.after(100ms), 0U) << "2 containers do 10";
  watch.now.service_time = {1s, 1s, 100};
  watch.now.backlog.ready = 5;
  EXPECT_EQ(watch.after(100ms), 5U) << "50 would finish them, but there are 5 messages";
}

TEST(OpenWhisk, StaleMessagesAreCountedApartLessWhatStarts) {
  Watch watch(make_openwhisk_scaler({}));
  watch.now.service_time = {20ms, 20ms, 100};
  watch.now.backlog.ready = 12;
  watch.now.instances = {.starting = 1, .busy = 2};
  watch.after(100ms);
  watch.now.backlog.oldest_wait = 150ms;
  EXPECT_EQ(watch.after(100ms), 5U) << "12 / 5 are 3 containers, 1 of which is starting; none is fresh";
  watch.now.backlog.ready = 42;
  EXPECT_EQ(watch.after(100ms), 8U) << "12 stale: 2 more; 30 fresh: 30 / 5 - 3 = 3 more";
  watch.now.backlog.ready = 12;
  watch.after(100ms);
  watch.now.backlog.ready = 17;
  EXPECT_EQ(watch.after(100ms), 5U) << "the 5 fresh are done by the 3 there are, which saves no stale one's";
}

TEST(OpenWhisk, ChecksEach100MillisecondsWhileThereIsWorkAndKeepsForTenMinutes) {
  Watch watch(make_openwhisk_scaler({}));
  watch.now.backlog.in_flight = 1;
  watch.now.instances.busy = 1;
  EXPECT_EQ(watch.scaler().plan(watch.now).keep_idle, 10min);
  EXPECT_EQ(watch.scaler().period(), 100ms);
  watch.now.backlog.in_flight = 0;
  watch.now.instances = {.idle = 1};
  EXPECT_EQ(watch.scaler().plan(watch.now).instances, 0U);
  EXPECT_EQ(watch.scaler().period(), 1s);
}

TEST(OpenFaas, IsTheExamplesOfItsManual) {
  Watch watch(make_openfaas_scaler({.target = 5, .proportion = 1}));
  EXPECT_EQ(watch.after(10s), 1U) << "none is ready: the minimum";
  watch.now.instances.busy = 1;
  watch.now.backlog = {.ready = 14, .in_flight = 1};
  EXPECT_EQ(watch.after(10s), 3U) << "15 / 5";
  watch.now.instances.busy = 3;
  watch.now.backlog = {.ready = 22, .in_flight = 3};
  EXPECT_EQ(watch.after(10s), 5U) << "25 / 5";
  watch.now.backlog = {};
  watch.now.instances = {.idle = 5};
  EXPECT_EQ(watch.after(10s), 1U);
  Watch early(make_openfaas_scaler({.target = 100, .proportion = 0.7}));
  early.now.instances.busy = 1;
  early.now.backlog.in_flight = 90;
  EXPECT_EQ(early.after(10s), 2U) << "90 / 70";
}

TEST(OpenFaas, ByRateItGoesByMessagesASecond) {
  Watch watch(make_openfaas_scaler({.load = OpenFaasLoad::Rate, .target = 50}));
  watch.now.instances.idle = 1;
  watch.now.backlog.ready = 1000;
  watch.now.arrivals_per_second = 100;
  EXPECT_EQ(watch.after(10s), 3U) << "100 / 45";
}

TEST(OpenFaas, GoesToNoneOnlyWhereToldAndTheGatewayWakesIt) {
  Watch watch(make_openfaas_scaler({.target = 5, .min = 2, .to_zero = true}));
  EXPECT_EQ(watch.after(10s), 0U);
  watch.now.backlog.ready = 1;
  EXPECT_EQ(watch.start_now(), 2U) << "its minimum";
  watch.now.instances.starting = 2;
  EXPECT_EQ(watch.start_now(), 0U);
  EXPECT_EQ(watch.after(10s), 2U);
  watch.now.backlog = {};
  watch.now.instances = {.idle = 2};
  EXPECT_EQ(watch.after(15min - 10s), 2U);
  EXPECT_EQ(watch.after(10s), 0U) << "15 minutes after the last request";
}

TEST(OpenFaas, AWindowDownTakesTheLargestRecommendation) {
  Watch watch(make_openfaas_scaler({.proportion = 1, .down_window = 60s}));
  watch.now.instances.busy = 1;
  for (const std::uint32_t load : {10U, 8U, 2U}) {
    watch.now.backlog.in_flight = load;
    EXPECT_EQ(watch.after(10s), 10U) << load;
  }
  EXPECT_EQ(watch.after(30s), 10U) << "50 s after the 10";
  EXPECT_EQ(watch.after(10s), 8U) << "60 s after the 10, 50 s after the 8";
  EXPECT_EQ(watch.after(10s), 2U);
}

/// Workers that are there because so many messages were.
Watch worker_pods(const WorkerPodOptions& options, std::uint32_t messages) {
  Watch watch(make_worker_pod_scaler(options));
  watch.now.backlog.ready = messages;
  watch.after(20s);
  return watch;
}

TEST(WorkerPods, FollowTheVisibleMessagesByMoreThanATenth) {
  Watch watch = worker_pods({.target = 10, .down_delay = 0s}, 95);
  EXPECT_EQ(watch.after(20s), 10U);
  watch.now.backlog.ready = 110;
  EXPECT_EQ(watch.after(20s), 10U) << "11 for 10 is too small a change";
  watch.now.backlog.ready = 111;
  EXPECT_EQ(watch.after(20s), 12U);
  watch.now.backlog.ready = 30;
  watch.now.backlog.in_flight = 500;
  EXPECT_EQ(watch.after(20s), 3U) << "only visible ones count";
}

TEST(WorkerPods, NoMoreThanTheDisruptionGoAtOnce) {
  Watch watch = worker_pods({.target = 200, .disruption = 0.1, .max = 20, .down_delay = 0s}, 4000);
  watch.now.backlog.ready = 10;
  watch.now.arrivals_per_second = 10.0F / 60;
  watch.now.service_time = {300ms, 300ms, 10};
  EXPECT_EQ(watch.after(20s), 18U) << "its own test: of 20, 10 % may go";
}

TEST(WorkerPods, AreNoFewerThanLittlesLawSays) {
  Watch watch = worker_pods({.target = 2500, .min = 2, .down_delay = 0s}, 1);
  watch.now.arrivals_per_second = 2;
  watch.now.service_time = {10s, 10s, 10};
  EXPECT_EQ(watch.after(20s), 20U) << "120 a minute x 10 s / 60";
  watch.now.backlog.ready = 0;
  EXPECT_EQ(watch.after(20s), 20U) << "no backlog, but messages come";
  watch.now.arrivals_per_second = 35.61F;
  EXPECT_EQ(watch.after(20s), 100U) << "357 is above the maximum";
  EXPECT_EQ(worker_pods({.target = 2500, .by_rate = false, .min = 2}, 1).after(20s), 2U);
}

TEST(WorkerPods, GoDownTenMinutesAfterTheLastChangeAndAllWhenAllAreIdle) {
  Watch watch = worker_pods({.target = 1, .disruption = 0.1}, 20);  // up at 0 s
  watch.now.backlog = {.in_flight = 1};
  EXPECT_EQ(watch.after(10min), 20U) << "up to 600 s, which is not past 600 s";
  EXPECT_EQ(watch.after(20s), 18U) << "620 s: a message runs, a tenth may go";
  watch.now.backlog = {};
  EXPECT_EQ(watch.after(10min), 18U);
  EXPECT_EQ(watch.after(20s), 0U) << "all are idle: the disruption does not count";
}

/// Whole minutes at a utilisation.
void pass(TargetTracking& tracking, TimePoint& now, int minutes, double utilisation) {
  for (int sample = 0; sample < minutes * 60; ++sample, now += 1s) tracking.add(now, utilisation);
}

TEST(TargetTracking, GoesUpAfterThreeMinutesAboveTheTarget) {
  TargetTracking tracking(TargetTrackingOptions{});
  TimePoint now = TimePoint(Duration(1h));
  pass(tracking, now, 2, 1);
  EXPECT_TRUE(tracking.add(now, 1)) << "a minute ended";
  EXPECT_EQ(tracking.capacity_after(10), 10U) << "two points";
  pass(tracking, now, 1, 1);
  tracking.add(now, 0);
  EXPECT_EQ(tracking.capacity_after(10), 15U) << "10 x 1 / 0.7 = 14.3";
}

TEST(TargetTracking, GoesDownSlowlyAfterFifteenMinutesBelowNineTenthsOfIt) {
  TargetTracking tracking(TargetTrackingOptions{});
  TimePoint now = TimePoint(Duration(1h));
  pass(tracking, now, 14, 0.6);
  tracking.add(now, 0.6);
  EXPECT_EQ(tracking.capacity_after(20), 20U) << "14 points";
  pass(tracking, now, 1, 0.6);
  tracking.add(now, 0);
  EXPECT_EQ(tracking.capacity_after(20), 18U) << "a tenth; 20 x 0.6 / 0.7 would be 18 too";
  EXPECT_EQ(tracking.capacity_after(100), 90U) << "a tenth, though 86 would do";
  pass(tracking, now, 15, 0);
  tracking.add(now, 0);
  EXPECT_EQ(tracking.capacity_after(2), 1U) << "one at least";
  EXPECT_EQ(tracking.capacity_after(1), 1U) << "the minimum";
  pass(tracking, now, 30, 0.65);
  tracking.add(now, 0);
  EXPECT_EQ(tracking.capacity_after(20), 20U) << "0.63 to 0.7 is as wanted";
}

TEST(ProvisionedConcurrency, MoreComesThreeMinutesAndAnAllocationLater) {
  Watch watch(make_provisioned_concurrency_scaler({.min = 10}));
  watch.now.instances.busy = 14;
  EXPECT_EQ(watch.after(180s + 1s), 10U) << "ordered with the third minute";
  EXPECT_EQ(watch.after(89s), 10U);
  EXPECT_EQ(watch.after(1s), 15U) << "10 x 1 / 0.7, 90 s later";
}

TEST(ProvisionedConcurrency, WhatFindsNothingFreeRunsOnDemand) {
  Watch watch(make_provisioned_concurrency_scaler({.min = 2, .max = 8}));
  EXPECT_TRUE(watch.scaler().plans_without_messages());
  EXPECT_EQ(watch.after(1s), 2U);
  watch.now.backlog.ready = 3;
  watch.now.instances = {.idle = 1, .busy = 1};
  EXPECT_EQ(watch.start_now(), 2U);
  watch.now.backlog.ready = 30;
  EXPECT_EQ(watch.start_now(), 6U) << "8 in all";
  const ScalingPlan plan = watch.scaler().plan(watch.now);
  EXPECT_EQ(plan.warm_floor, 2U);
  EXPECT_EQ(plan.keep_idle, 10min);
}

TEST(ProvisionedConcurrency, GoesDownAtOnceWhenItsAlarmSaysSo) {
  Watch watch(make_provisioned_concurrency_scaler({.min = 5}));
  watch.now.instances.busy = 5;
  watch.after(180s + 91s);
  watch.now.instances.busy = 0;
  EXPECT_EQ(watch.after(29s + 14min), 8U) << "5 / 0.7";
  EXPECT_EQ(watch.after(1s), 7U) << "15 points, of which the first is (30 x 1 + 5 / 8) / 60; one at least";
  EXPECT_EQ(watch.after(1min), 6U) << "and one each minute";
}

}  // namespace
}  // namespace forewarm
