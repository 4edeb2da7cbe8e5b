// Each rule against cases computed by hand from its source; KEDA's are in sim/baselines_test.cpp, others in
// reactive_test.cpp and predictive_test.cpp.

#include <gtest/gtest.h>

#include <utility>

#include "sim/baselines/cloud_run.h"
#include "sim/baselines/erlang.h"
#include "sim/baselines/keep_alive.h"
#include "sim/baselines/knative.h"
#include "sim/baselines/lambda.h"
#include "sim/baselines/watch.h"

namespace forewarm {
namespace {

TEST(Knative, TheStableWindowFollowsTheMeanConcurrencyAtSeventyPercent) {
  Watch watch(make_knative_scaler({}));
  watch.now.backlog.in_flight = 7;
  watch.now.instances.busy = 7;
  EXPECT_EQ(watch.after(60s), 10U) << "7 at a target of 0.7";
  watch.now.backlog.in_flight = 0;
  watch.now.instances = {.idle = 10};
  EXPECT_EQ(watch.after(34s), 5U) << "27 of 60 samples are 7 at the last tick: 3.15 / 0.7";
}

TEST(Knative, TwiceWhatTheReadyPodsHoldIsPanicAndPanicNeverGoesDown) {
  Watch watch(make_knative_scaler({}));
  watch.now.backlog.in_flight = 1;
  watch.now.instances.busy = 2;
  EXPECT_EQ(watch.after(60s), 2U) << "1 / 0.7";
  watch.now.backlog.ready = 13;  // 14 at once: 20 pods by the panic window once it is full of them
  EXPECT_EQ(watch.after(8s), 20U);
  watch.now.backlog = {};
  EXPECT_EQ(watch.after(50s), 20U) << "no scaling down in panic";
  watch.now.instances = {.idle = 20};
  EXPECT_LT(watch.after(30s), 20U) << "60 s after the last sign of panic";
}

TEST(Knative, GoesDownByHalfAtMostAndToNoneAfterTheGrace) {
  Watch watch(make_knative_scaler({}));
  watch.now.backlog.in_flight = 7;
  watch.now.instances.busy = 10;
  watch.after(60s);
  watch.now.backlog.in_flight = 0;
  watch.now.instances = {.idle = 10};
  EXPECT_EQ(watch.after(62s), 5U) << "ready pods / 2, whatever the window says";
  watch.now.instances = {.idle = 1};
  EXPECT_EQ(watch.after(4s), 1U) << "the last one stays for 30 s";
  EXPECT_EQ(watch.after(30s), 0U);
}

TEST(Knative, WithoutAPodTheFirstRequestsStartAsManyAsTheyNeed) {
  Watch watch(make_knative_scaler({}));
  watch.now.backlog.ready = 7;
  EXPECT_EQ(watch.start_now(), 10U);
  watch.now.instances.starting = 1;
  EXPECT_EQ(watch.start_now(), 0U) << "the tick decides";
}

TEST(Lambda, FiveAtFirstThenThreeHundredMoreAMinute) {
  Watch watch(make_lambda_scaler({}));
  watch.now.backlog.ready = 1000;
  EXPECT_EQ(watch.start_now(), 5U);
  watch.now.instances.busy = 5;
  watch.now.backlog.in_flight = 5;
  EXPECT_EQ(watch.start_now(), 0U);
  watch.after(60s);
  EXPECT_NEAR(watch.start_now(), 300, 1);
  watch.now.instances.busy = 300;
  watch.after(10min);
  EXPECT_EQ(watch.start_now(), 950U) << "1,250 at most, of which 300 are there";
  watch.now.backlog = {};
  watch.after(2s);
  watch.now.backlog.ready = 10;
  watch.now.instances = {};
  EXPECT_EQ(watch.start_now(), 5U) << "an idle mapping begins anew";
}

TEST(Lambda, ProvisionedPollersBeginWithTenEachAndRiseByAThousand) {
  Watch watch(make_lambda_scaler(provisioned_lambda(4)));
  watch.now.backlog.ready = 3000;
  EXPECT_EQ(watch.start_now(), 40U);
  watch.now.instances.busy = 40;
  watch.now.backlog.in_flight = 40;
  watch.after(30s);
  EXPECT_NEAR(watch.start_now(), 500, 1) << "half a minute of 1,000";
}

TEST(Lambda, EnvironmentsStartAtAThousandEachTenSeconds) {
  Watch watch(make_lambda_scaler({.at_first = 4000, .max = 5000}));
  watch.now.backlog.ready = 4000;
  EXPECT_EQ(watch.start_now(), 1000U);
  watch.now.instances.starting = 1000;
  EXPECT_EQ(watch.start_now(), 0U);
  watch.after(6s);
  EXPECT_EQ(watch.start_now(), 600U);
}

TEST(CloudRun, FollowsAMinutesMeanAtSixtyPercentAndStartsOneForEachThatWaits) {
  Watch watch(make_cloud_run_scaler({}));
  watch.now.backlog.in_flight = 6;
  watch.now.instances.busy = 6;
  EXPECT_EQ(watch.after(60s), 10U);
  EXPECT_EQ(watch.scaler().plan(watch.now).keep_idle, 15min);
  watch.now.backlog.ready = 3;
  watch.now.instances = {.starting = 1, .idle = 1, .busy = 6};
  EXPECT_EQ(watch.start_now(), 1U);
  EXPECT_EQ(Watch(make_cloud_run_scaler({.min = 2})).after(1s), 2U);
}

TEST(Erlang, IsTheTableOfThatFormula) {
  // Offered 4: 10 servers keep P(wait) below 1 %, 9 below 5 % (no slack).
  for (const auto& [share, servers] : {std::pair{0.01, 10U}, std::pair{0.05, 9U}}) {
    Watch watch(make_erlang_scaler({.objective = 0s, .late_share = share}));
    watch.now.step = 10s;
    watch.now.arrivals_last_step = 40;
    watch.now.service_time = {1s, 2s, 100};
    EXPECT_EQ(watch.after(200s), servers);
  }
}

TEST(Erlang, SmoothsTheRateAndStartsTheFirst) {
  Watch watch(make_erlang_scaler({.weight = 0.5, .objective = 0s, .late_share = 0.05}));
  watch.now.service_time = {1s, 2s, 100};
  watch.now.arrivals_last_step = 40;
  EXPECT_EQ(watch.after(10s), 9U);
  watch.now.arrivals_last_step = 0;
  EXPECT_EQ(watch.after(20s), 4U) << "offered 1";
  EXPECT_EQ(watch.after(300s), 0U);
  watch.now.backlog.ready = 5;
  EXPECT_EQ(watch.start_now(), 1U);
}

TEST(SkiRental, KeepsForTheMeasuredStartTimeAndThePriceOfAColdStart) {
  Watch watch(make_keep_alive_scaler({.ski_rental = true, .cold_start = 20s}));
  watch.now.start_time = {3s, 5s, 10};
  EXPECT_EQ(watch.scaler().plan(watch.now).keep_idle, 23s);
}

}  // namespace
}  // namespace forewarm
