#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "sim/baselines/keda.h"
#include "sim/baselines/keep_alive.h"
#include "sim/baselines/static.h"
#include "sim/policies.h"

namespace forewarm {
namespace {

/// Drives a scaler on its own period and remembers the replicas of each plan.
class KedaRun {
 public:
  explicit KedaRun(const KedaOptions& options = {}) : scaler_(make_keda_scaler(options)) {}

  /// The next plan with this many messages, `in_flight` of them leased.
  std::uint32_t next(std::uint32_t messages, std::uint32_t in_flight = 0) {
    ScalingInputs inputs;
    inputs.now = now_;
    inputs.backlog.ready = messages - in_flight;
    inputs.backlog.in_flight = in_flight;
    inputs.instances_limit = 1000;
    now_ += scaler_->period();
    return scaler_->plan(inputs).instances;
  }
  std::uint32_t after(Duration time, std::uint32_t messages) {
    std::uint32_t replicas = 0;
    for (Duration passed{}; passed < time; passed += scaler_->period()) replicas = next(messages);
    return replicas;
  }
  Scaler& scaler() { return *scaler_; }

 private:
  std::unique_ptr<Scaler> scaler_;
  TimePoint now_ = time_point_us(1'000'000);
};

TEST(Keda, FromNoneToOneOnlyAtAPollAndThenByTheHpa) {
  KedaRun run;
  EXPECT_EQ(run.scaler().period(), 15s);
  EXPECT_EQ(run.next(0), 0U);
  EXPECT_EQ(run.next(100), 0U) << "15 s: the HPA rests at none";
  EXPECT_EQ(run.next(100), 4U) << "30 s: one by KEDA, then up to max(2 x 1, 4)";
  EXPECT_EQ(run.next(100), 8U);
  EXPECT_EQ(run.next(100), 16U);
  EXPECT_EQ(run.next(100), 20U) << "100 messages at 5 a replica";
  EXPECT_EQ(run.next(100), 20U);
}

TEST(Keda, ARatioWithinTheToleranceChangesNothing) {
  KedaRun run;
  run.after(2min, 100);
  EXPECT_EQ(run.next(109), 20U) << "9 % above";
  EXPECT_EQ(run.next(111), 23U) << "11 % above: ceil(111 / 5)";
}

TEST(Keda, MessagesInFlightCountUnlessToldOtherwise) {
  KedaRun run;
  run.next(50, 50);
  EXPECT_EQ(run.next(50, 50), 8U);
  EXPECT_EQ(run.next(50, 50), 10U);
  KedaRun visible_only({.scale_on_in_flight = false});
  EXPECT_EQ(visible_only.next(50, 50), 0U);
}

TEST(Keda, GoesDownOnlyToTheLargestRecommendationOfFiveMinutes) {
  KedaRun run;
  run.after(90s, 100);  // the last recommendation of 20 at 75 s
  for (int plan = 0; plan < 20; ++plan)
    ASSERT_EQ(run.next(10), 20U) << "375 s is not past 75 s + 300 s: " << plan;
  EXPECT_EQ(run.next(10), 2U) << "390 s";
}

TEST(Keda, GoesToNoneWhenItsCooldownIsOver) {
  KedaRun run({.stabilisation = 0s});
  run.after(30s, 5);  // active at the poll at 0 s; one replica
  for (int plan = 2; plan <= 20; ++plan) ASSERT_EQ(run.next(0), 1U) << plan * 15 << " s";
  EXPECT_EQ(run.next(0), 1U) << "315 s is no poll";
  EXPECT_EQ(run.next(0), 0U) << "330 s: the first poll later than 0 s + 300 s";
}

TEST(Keda, ActivationBeatsTheTarget) {
  KedaRun run({.activation = 50});
  EXPECT_EQ(run.after(5min, 40), 0U) << "40 messages, activation 50";
  EXPECT_EQ(run.after(30s, 50), 0U) << "strictly more";
  EXPECT_GT(run.after(30s, 51), 0U);
}

TEST(Keda, MinimumAndMaximumHold) {
  KedaRun run({.min = 2, .max = 7});
  EXPECT_EQ(run.next(0), 2U);
  EXPECT_EQ(run.after(2min, 1000), 7U);
  EXPECT_EQ(run.after(20min, 0), 2U);
}

ScalingInputs waiting(std::uint32_t ready, InstanceCounts instances) {
  ScalingInputs inputs;
  inputs.backlog.ready = ready;
  inputs.instances = instances;
  inputs.instances_limit = 50;
  return inputs;
}

TEST(KeepAlive, EachMessageThatFindsNothingIdleStartsOne) {
  const std::unique_ptr<Scaler> scaler = make_keep_alive_scaler({});
  EXPECT_EQ(scaler->start_now(waiting(1, {})), 1U);
  EXPECT_EQ(scaler->start_now(waiting(1, {.busy = 9})), 1U) << "busy ones are no help";
  EXPECT_EQ(scaler->start_now(waiting(3, {.starting = 2})), 1U) << "two are on their way for two of them";
  EXPECT_EQ(scaler->start_now(waiting(3, {.starting = 2, .idle = 1})), 0U);
  EXPECT_EQ(scaler->start_now(waiting(100, {.busy = 20})), 30U) << "50 are allowed";
  EXPECT_EQ(scaler->start_now(waiting(100, {.busy = 60})), 0U);
}

TEST(KeepAlive, WantsNothingItselfAndKeepsWhatIsIdleForTenMinutes) {
  const std::unique_ptr<Scaler> scaler = make_keep_alive_scaler({});
  const ScalingPlan plan = scaler->plan(waiting(100, {}));
  EXPECT_EQ(plan.instances, 0U);
  EXPECT_EQ(plan.keep_idle, 10min);
  EXPECT_EQ(plan.reason.constraint, Constraint::Rule);
  EXPECT_EQ(scaler->period(), 0s);
}

TEST(Static, IsTheSameWhateverComes) {
  const std::unique_ptr<Scaler> scaler = make_static_scaler(4);
  EXPECT_EQ(scaler->plan(waiting(0, {})).instances, 4U);
  EXPECT_EQ(scaler->plan(waiting(1000, {.busy = 4})).instances, 4U);
  EXPECT_EQ(scaler->start_now(waiting(1000, {.busy = 4})), 0U);
  EXPECT_EQ(make_static_scaler(400)->plan(waiting(0, {})).instances, 50U);
}

/// What a policy plans at first for 100 waiting messages.
ScalingPlan first_plan(std::string_view name) {
  return parse_policy(name).value().make_scaler(MappingSettings{})->plan(waiting(100, {}));
}

TEST(Policies, NamesOfTheCommandLineMakeTheirScalers) {
  EXPECT_EQ(first_plan("static:7").instances, 7U);
  EXPECT_EQ(first_plan("static:instances=8").instances, 8U);
  EXPECT_EQ(first_plan("keep-alive").keep_idle, 10min);
  EXPECT_EQ(first_plan("keep-alive:90s").keep_idle, 90s);
  EXPECT_EQ(first_plan("keep-alive:1.5h,max=3").keep_idle, 90min);
  EXPECT_EQ(first_plan("ski-rental:7s").keep_idle, 7s);
  EXPECT_EQ(first_plan("cloud-run:min=3,idle=2m").keep_idle, 2min);
  EXPECT_EQ(first_plan("knative:utilisation=1").instances, 50U);
  EXPECT_EQ(first_plan("lambda:idle=5m,provisioned=3").keep_idle, 5min);
  EXPECT_EQ(first_plan("erlang:idle=10s").keep_idle, 10s);
  EXPECT_EQ(first_plan("keda").instances, 4U);
  EXPECT_EQ(first_plan("keda:max=3,target=10").instances, 3U);
  EXPECT_EQ(first_plan("keda:activation=100").instances, 0U);
  EXPECT_EQ(first_plan("keda:metric-type=value").instances, 1U) << "none is ready";
  EXPECT_EQ(first_plan("keda:behavior=yes").instances, 5U);
  EXPECT_EQ(first_plan("keda:up-pods=9").instances, 10U) << "one of its options sets a behavior";
  EXPECT_EQ(first_plan("keda:behavior=no").instances, 4U);
  EXPECT_EQ(first_plan("azure-target:up=7,idle=1m").instances, 7U);
  EXPECT_EQ(first_plan("openwhisk:idle=1m").keep_idle, 1min);
  EXPECT_EQ(first_plan("openfaas:min=3").instances, 3U);
  EXPECT_EQ(first_plan("openfaas:type=rps,zero=yes").instances, 0U);
  EXPECT_EQ(first_plan("wpa:target=10").instances, 10U);
  EXPECT_EQ(first_plan("provisioned-concurrency:min=6,idle=1m").instances, 6U);
  EXPECT_EQ(first_plan("hybrid-histogram:range=2h").keep_idle, 2h);
  EXPECT_EQ(first_plan("aws-predictive:min=2").instances, 2U);
  EXPECT_EQ(first_plan("holt-winters:target=50,season=24h").instances, 2U);
  EXPECT_EQ(first_plan("crane:target=33").instances, 4U);
  EXPECT_EQ(first_plan("kedastral:min=2").instances, 2U);
  EXPECT_EQ(first_plan("forewarm").reason.constraint, Constraint::Backlog);
  EXPECT_EQ(first_plan("reactive").reason.constraint, Constraint::Backlog);
  EXPECT_EQ(parse_policy("keda:max=3")->name, "keda:max=3");
}

TEST(Policies, AnyMayFreezeWhatIsIdle) {
  EXPECT_EQ(parse_policy("forewarm")->freeze_after, std::nullopt);
  EXPECT_EQ(parse_policy("forewarm:freeze=2s")->freeze_after, Duration(2s));
  EXPECT_EQ(parse_policy("keda:freeze=500ms,target=5")->freeze_after, Duration(500ms));
  EXPECT_EQ(first_plan("keda:freeze=500ms,target=50").instances, first_plan("keda:target=50").instances);
  EXPECT_EQ(parse_policy("static:4,freeze=0s")->freeze_after, Duration(0));
}

TEST(Policies, AMistakeIsNamedWithWhatWasMeant) {
  const auto message = [](std::string_view text) { return parse_policy(text).error().message; };
  EXPECT_NE(message("kedda").find("Did you mean \"keda\"?"), std::string::npos) << message("kedda");
  EXPECT_NE(message("keep-alife:5m").find("Did you mean \"keep-alive\"?"), std::string::npos);
  EXPECT_NE(message("keda:targt=4").find("Did you mean \"target\"?"), std::string::npos);
  EXPECT_EQ(message("kubernetes").find("Did you mean"), std::string::npos);
  EXPECT_NE(
      message("kubernetes")
          .find(
              "forewarm, reactive, keda, knative, lambda, provisioned-concurrency, cloud-run, azure-target, "
              "openwhisk, openfaas, wpa, erlang, hybrid-histogram, aws-predictive, holt-winters, crane, "
              "kedastral, keep-alive, ski-rental, faascache, static"),
      std::string::npos);
  EXPECT_NE(message("keda:metric-type=both").find("value or average"), std::string::npos);
  EXPECT_NE(message("keep-alive:10").find("10m"), std::string::npos) << "a unit is asked for";
}

TEST(Policies, ValuesThatCannotBeAreRefused) {
  for (const char* text : {"",
                           ":",
                           "static",
                           "static:",
                           "static:-1",
                           "static:4,5",
                           "static:99999999999",
                           "keda:5",
                           "keda:target=0",
                           "keda:target=nan",
                           "keda:min=5,max=2",
                           "keda:sync=1ms",
                           "keda:delayed=maybe",
                           "keep-alive:m",
                           "keep-alive:-5s",
                           "knative:stable=1s",
                           "knative:min=3,max=2",
                           "lambda:provisioned=-1",
                           "cloud-run:utilisation=0",
                           "erlang:weight=2",
                           "ski-rental:often",
                           "keda:behavior=perhaps",
                           "azure-target:target=0",
                           "azure-target:every=0s",
                           "openwhisk:check=1ms",
                           "openfaas:type=cpu",
                           "openfaas:down-window=10m",
                           "wpa:disruption=10",
                           "provisioned-concurrency:min=0",
                           "provisioned-concurrency:target=1",
                           "hybrid-histogram:range=1s",
                           "hybrid-histogram:head=5",
                           "aws-predictive:buffer=1h",
                           "holt-winters:alpha=2",
                           "holt-winters:every=1s",
                           "holt-winters:season=1m",
                           "holt-winters:season=9000h",
                           "crane:min=0",
                           "kedastral:window=1m",
                           "keep-alive:1e9h",
                           "forewarm:freeze=soon",
                           "forewarm:freeze",
                           "forewarm:fast=1"}) {
    EXPECT_FALSE(parse_policy(text)) << text;
  }
}

}  // namespace
}  // namespace forewarm
