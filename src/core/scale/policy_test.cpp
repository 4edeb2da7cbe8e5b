#include "core/scale/policy.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <vector>

#include "base/random.h"

namespace forewarm {
namespace {

/// A queue with Poisson-like steps of `per_step` messages, a service time of 1 s and a start time of 5 s.
struct Situation {
  ModelForecast forecast;
  ScalingInputs inputs;
  ScalingSettings settings;

  explicit Situation(const std::vector<float>& per_step, Duration step = 10s) {
    forecast = {.model = ModelId::ExponentialSmoothing,
                .forecast = {.start = time_point_us(1'000'000'000), .step = step, .values = {}}};
    for (const float mean : per_step) {
      const float spread = std::sqrt(mean);
      for (const float z : {-2.33F, -1.64F, -1.28F, -0.67F, 0.0F, 0.67F, 1.28F, 1.64F, 2.33F})
        forecast.forecast.values.push_back(std::max(0.0F, mean + z * spread));
    }
    inputs.now = forecast.forecast.start;
    inputs.step = step;
    inputs.queue = QueueId(3);
    inputs.instances_limit = 1000;
    inputs.service_time = {.mean = 1s, .p95 = 2s, .observed = 1000};
    inputs.start_time = {.mean = 4s, .p95 = 5s, .observed = 20};
    inputs.forecast_loss = 0.5;
    inputs.naive_loss = 1;
    settings.instances_max = 500;
  }

  ScalingPlan plan() {
    inputs.forecast = &forecast;
    return make_predictive_scaler(settings)->plan(inputs);
  }
};

TEST(Policy, WarmsForWhatTheForecastSaysBeforeAMessageIsThere) {
  const ScalingPlan plan = Situation({100, 100, 100}).plan();
  EXPECT_EQ(plan.reason.constraint, Constraint::Cost);
  EXPECT_EQ(plan.reason.model, ModelId::ExponentialSmoothing);
  EXPECT_DOUBLE_EQ(plan.reason.level, 0.99);
  EXPECT_NEAR(plan.reason.demand.messages, 123.3, 0.1);
  // 10 erlangs, 1 % later than 0.5 s: Erlang C says 15.
  EXPECT_EQ(plan.instances, 15U);
  EXPECT_EQ(plan.until - plan.at, 10s);
  EXPECT_EQ(plan.queue, QueueId(3));
  EXPECT_EQ(plan.reason.lead, 5s);
}

TEST(Policy, LooksAsFarAsTheLeadTimeAndTheStepAfterIt) {
  const std::vector<float> peak_after_30s{0, 0, 0, 500, 0};
  Situation situation(peak_after_30s);
  EXPECT_EQ(situation.plan().instances, 0U);
  situation.inputs.start_time.p95 = 21s;  // 21 s + 10 s reach the peak, by one second
  EXPECT_GT(situation.plan().instances, 30U);
}

TEST(Policy, WorksWithStepsShorterThanTheLeadTime) {
  std::vector<float> peak_after_4s(20, 0);
  for (std::size_t i = 8; i < 20; ++i) peak_after_4s[i] = 20;  // 40 a second from 4 s on
  Situation situation(peak_after_4s, 500ms);
  situation.inputs.start_time.p95 = 3s;
  EXPECT_EQ(situation.plan().instances, 0U) << "3.5 s do not reach it";
  situation.inputs.now += 1s;
  EXPECT_GT(situation.plan().instances, 15U);
}

TEST(Policy, ANewerForecastOfTheSameStepIsReadAtOnce) {
  Situation situation({10, 10});
  situation.inputs.forecast = &situation.forecast;
  const std::unique_ptr<Scaler> scaler = make_predictive_scaler(situation.settings);
  const std::uint32_t before = scaler->plan(situation.inputs).instances;
  const Situation announced({100, 100});
  situation.inputs.forecast = &announced.forecast;
  situation.inputs.now += 1s;
  EXPECT_EQ(scaler->plan(situation.inputs).instances, before) << "it holds for a step";
  ++situation.inputs.forecast_serial;
  EXPECT_GT(scaler->plan(situation.inputs).instances, before);
}

TEST(Policy, AFastStartNeedsNoPrediction) {
  Situation situation({100, 100});
  situation.inputs.start_time.p95 = 500ms;
  const ScalingPlan plan = situation.plan();
  EXPECT_EQ(plan.reason.constraint, Constraint::NoLead);
  EXPECT_EQ(plan.instances, 0U);
}

TEST(Policy, AForecastThatDoesNotPayIsNotFollowed) {
  Situation situation({100, 100});
  situation.inputs.forecast_loss = 1.2;
  EXPECT_EQ(situation.plan().reason.constraint, Constraint::Trust);
  EXPECT_EQ(situation.plan().instances, 0U);
  situation.inputs.forecast_loss = std::numeric_limits<double>::quiet_NaN();
  EXPECT_EQ(situation.plan().reason.constraint, Constraint::Trust);
}

TEST(Policy, WithoutAUsableForecastItIsReactive) {
  Situation situation({100, 100});
  situation.forecast.forecast.values[3] = std::numeric_limits<float>::quiet_NaN();
  situation.inputs.backlog = {.ready = 30, .delayed = 0, .in_flight = 0, .oldest_wait = 0s};
  const ScalingPlan plan = situation.plan();
  EXPECT_EQ(plan.reason.constraint, Constraint::Backlog);
  EXPECT_EQ(plan.reason.model, ModelId::None);
  EXPECT_EQ(plan.instances, 30U) << "each starts one message of 1 s within 500 ms";
}

TEST(Policy, PredictionCanBeSwitchedOff) {
  Situation situation({100, 100});
  situation.settings.predict = false;
  EXPECT_EQ(situation.plan().reason.constraint, Constraint::NoForecast);
  EXPECT_EQ(situation.plan().instances, 0U);
}

TEST(Policy, WhatWaitsIsServedBesidesWhatComes) {
  Situation situation({10, 10});
  situation.inputs.backlog.ready = 80;
  const ScalingPlan plan = situation.plan();
  EXPECT_EQ(plan.reason.constraint, Constraint::Backlog);
  EXPECT_GE(plan.instances, 80U);
}

TEST(Policy, TheOperatorsBoundsHoldAndAreNamed) {
  Situation situation({100, 100});
  situation.settings.instances_max = 6;
  EXPECT_EQ(situation.plan().instances, 6U);
  EXPECT_EQ(situation.plan().reason.constraint, Constraint::Maximum);
  EXPECT_GT(situation.plan().reason.one_more_saves, 1) << "what the limit costs can be read";
  situation.settings.instances_max = 500;
  situation.inputs.instances_limit = 4;
  EXPECT_EQ(situation.plan().instances, 4U);
  situation.inputs.instances_limit = 1000;
  situation.settings.instances_min = 40;
  EXPECT_EQ(situation.plan().instances, 40U);
  EXPECT_EQ(situation.plan().reason.constraint, Constraint::Minimum);
  EXPECT_EQ(situation.plan().warm_floor, 40U);
}

TEST(Policy, TheBudgetStopsWarmingAheadButNotServingWhatWaits) {
  Situation situation({100, 100});
  situation.settings.idle_cost_per_hour = 1000;
  situation.settings.budget_per_hour = 5999;
  EXPECT_EQ(situation.plan().instances, 5U);
  EXPECT_EQ(situation.plan().reason.constraint, Constraint::Budget);
  situation.inputs.backlog.ready = 9;
  EXPECT_EQ(situation.plan().instances, 9U);
}

TEST(Policy, UpToTheBaselineThresholdOnlyTheMinimumIsKept) {
  Situation situation({100, 100});
  situation.settings.baseline_threshold = 200;
  EXPECT_EQ(situation.plan().instances, 0U);
  EXPECT_EQ(situation.plan().reason.constraint, Constraint::Baseline);
  situation.inputs.backlog.ready = 20;
  EXPECT_EQ(situation.plan().instances, 1U);
  situation.settings.instances_min = 2;
  EXPECT_EQ(situation.plan().instances, 2U);
  situation.settings.baseline_threshold = 100;
  EXPECT_GT(situation.plan().instances, 10U) << "123 may come: above the threshold";
}

TEST(Policy, AnInstanceForSeveralMessagesIsNeededLessOften) {
  Situation situation({100, 100});
  situation.settings.instance_capacity = 5;
  EXPECT_EQ(situation.plan().instances, 3U);
}

TEST(Policy, ALowLevelOfDemandIsTheWarmFloor) {
  Situation situation({100, 100, 100});
  const ScalingPlan plan = situation.plan();
  EXPECT_EQ(plan.warm_floor, 8U) << "83.6 messages of 1 s in 10 s at the 5 % level";
  EXPECT_LE(plan.warm_floor, plan.instances);
  situation = Situation({100, 100, 0});
  EXPECT_EQ(situation.plan().warm_floor, 0U) << "the floor holds over the whole horizon";
}

TEST(Policy, APriceOfLatenessSetsTheLevel) {
  Situation situation({100, 100});
  situation.settings.idle_cost_per_hour = 3600;  // 1 a second, 10 a step
  situation.settings.late_cost = 1;
  const ScalingPlan cheap = situation.plan();
  situation.settings.late_cost = 1000;
  const ScalingPlan dear = situation.plan();
  EXPECT_LT(cheap.reason.level, 0.9);
  EXPECT_GT(dear.reason.level, 0.99);
  EXPECT_LT(cheap.instances, dear.instances);
}

TEST(Policy, WhatWasPlannedIsNotTakenBackBeforeAStartsTimeHasPassed) {
  Situation situation({100});
  situation.settings.predict = false;
  const std::unique_ptr<Scaler> scaler = make_predictive_scaler(situation.settings);
  situation.inputs.backlog.ready = 50;
  const std::uint32_t needed = scaler->plan(situation.inputs).instances;
  ASSERT_GT(needed, 1U);
  situation.inputs.backlog.ready = 0;
  situation.inputs.instances = {.idle = needed};
  situation.inputs.now += situation.inputs.start_time.mean - 1ms;
  EXPECT_EQ(scaler->plan(situation.inputs).instances, needed) << "noise does not stop and start them";
  EXPECT_EQ(scaler->period(), 1s) << "not a step too late";
  situation.inputs.now += 1ms;
  const ScalingPlan later = scaler->plan(situation.inputs);
  EXPECT_LT(later.instances, needed);
  EXPECT_EQ(later.keep_idle, 0s) << "what is above the plan goes though it be used now and then";
}

TEST(Policy, WhatWasNeededOfLateIsKeptWithoutAForecast) {
  Situation situation({100});
  situation.settings.predict = false;
  const std::unique_ptr<Scaler> scaler = make_predictive_scaler(situation.settings);
  const auto pass = [&](Duration time) {
    std::uint32_t most = 0;
    for (const TimePoint end = situation.inputs.now + time; situation.inputs.now < end;) {
      situation.inputs.now += 1s;
      most = std::max(most, scaler->plan(situation.inputs).instances);
    }
    return most;
  };
  for (int i = 0; i < 60; ++i) {
    for (int m = 0; m < 3; ++m) scaler->observe_ready(situation.inputs.now);
    scaler->observe_service(1s);
    pass(10min);
  }
  for (int m = 0; m < 3; ++m) scaler->observe_ready(situation.inputs.now);
  pass(30s);
  EXPECT_EQ(pass(8min), 0U) << "nothing ever came so soon";
  EXPECT_EQ(pass(80s), 3U) << "they are back before the next";
  EXPECT_EQ(scaler->plan(situation.inputs).reason.constraint, Constraint::NoForecast);
}

TEST(Policy, AMessageThatIsLateAlreadyStartsAnInstanceOnlyForThoseAfterIt) {
  Situation situation({100});
  situation.settings.predict = false;
  situation.settings.late_share_max = 0.3;
  situation.inputs.start_time = {.mean = 15s, .p95 = 15s, .observed = 10};
  const std::unique_ptr<Scaler> scaler = make_predictive_scaler(situation.settings);
  for (int i = 0; i < 200; ++i) {  // two at a time, never again within the hour
    scaler->observe_ready(situation.inputs.now);
    scaler->observe_ready(situation.inputs.now);
    scaler->observe_service(1s);
    for (int tick = 0; tick < 60; ++tick) {
      situation.inputs.now += 1min;
      scaler->plan(situation.inputs);
    }
  }
  situation.inputs.backlog = {.ready = 1, .delayed = 0, .in_flight = 1, .oldest_wait = 0s};
  situation.inputs.instances.busy = 1;
  EXPECT_EQ(scaler->start_now(situation.inputs), 0U) << "the one at work takes it before another has started";
  situation.inputs.backlog.ready = 40;
  EXPECT_GT(scaler->start_now(situation.inputs), 0U) << "these outlast a start";
  situation.inputs.instances.busy = 0;
  situation.inputs.backlog = {.ready = 1, .delayed = 0, .in_flight = 0, .oldest_wait = 0s};
  EXPECT_EQ(scaler->start_now(situation.inputs), 1U) << "nobody else would";
}

/// What a scaler says an idle instance is worth, 20 s after the last of many messages 20 s apart.
double idle_value_after_messages(const ScalingSettings& settings, double late_if_cold = 1) {
  Situation situation({});
  situation.inputs.late_if_cold = late_if_cold;
  situation.settings = settings;
  const std::unique_ptr<Scaler> scaler = make_predictive_scaler(settings);
  for (int i = 0; i < 500; ++i) {
    scaler->observe_ready(situation.inputs.now);
    situation.inputs.now += 20s;
    scaler->plan(situation.inputs);
  }
  return scaler->idle_value({.now = situation.inputs.now, .level = 1, .memory_bytes = 1, .runs = 1});
}

TEST(Policy, OnAFullMachineAnEasyObjectiveMakesAQueueNoCheaperToMiss) {
  ScalingSettings strict = Situation({}).settings, easy = strict;
  strict.late_share_max = 0.001;
  easy.late_share_max = 0.9;
  EXPECT_GT(idle_value_after_messages(strict), 0);
  EXPECT_DOUBLE_EQ(idle_value_after_messages(strict), idle_value_after_messages(easy));
}

TEST(Policy, OnAFullMachineAPriceOfLatenessMakesAnInstanceWorthMore) {
  ScalingSettings cheap = Situation({}).settings;
  cheap.idle_cost_per_hour = 3600;
  cheap.late_cost = 10;
  ScalingSettings dear = cheap;
  dear.late_cost = 1000;
  EXPECT_GT(idle_value_after_messages(dear), 10 * idle_value_after_messages(cheap));
}

TEST(Policy, OnAFullMachineAStartInTimeIsNoLateMessage) {
  const ScalingSettings settings = Situation({}).settings;
  EXPECT_GT(idle_value_after_messages(settings), 10 * idle_value_after_messages(settings, 0));
  EXPECT_GT(idle_value_after_messages(settings, 0), 0) << "it costs its start all the same";
}

TEST(Policy, NoiseInTheForecastDoesNotMakeThePlanJump) {
  Random random(9);
  Situation situation({100, 100, 100, 100});
  situation.inputs.forecast = &situation.forecast;
  const std::unique_ptr<Scaler> scaler = make_predictive_scaler(situation.settings);
  const std::vector<float> values = situation.forecast.forecast.values;
  for (int step = 0; step < 200; ++step) {
    const auto noise = static_cast<float>(0.98 + 0.04 * random.uniform());
    for (std::size_t i = 0; i < values.size(); ++i) situation.forecast.forecast.values[i] = values[i] * noise;
    situation.inputs.now += 10s;
    situation.forecast.forecast.start += 10s;
    ASSERT_NEAR(scaler->plan(situation.inputs).instances, 15, 1);
  }
}

TEST(Policy, WhatIsToComeIsProjectedSlotBySlot) {
  Situation situation({10, 10, 10, 500, 500, 10});
  situation.inputs.forecast = &situation.forecast;
  const std::unique_ptr<Scaler> scaler = make_predictive_scaler(situation.settings);
  const std::uint32_t planned = scaler->plan(situation.inputs).instances;
  const std::vector<ProjectedSlot> slots = scaler->project(situation.inputs, 10s, 6);
  ASSERT_EQ(slots.size(), 6U);
  EXPECT_EQ(slots[1].at, situation.inputs.now + 10s);
  EXPECT_LT(slots[1].instances, 5U);
  EXPECT_GT(slots[3].instances, 50U);
  EXPECT_EQ(slots[4].instances, slots[3].instances);
  EXPECT_EQ(slots[5].instances, slots[1].instances);
  EXPECT_NEAR(slots[3].reason.demand.messages, 552, 1) << "500 and 2.33 times its root";
  const ActuatorModel actuator{.lead = 20s};
  const auto directives =
      directives_of(QueueId(3), slots, set_least_cost(slots, planned, actuator, 4, 99), planned, actuator);
  ASSERT_FALSE(directives.empty());
  EXPECT_EQ(directives.back().instances, slots[5].instances);
  const auto peak = std::ranges::find(directives, slots[3].instances, &Directive::instances);
  ASSERT_NE(peak, directives.end());
  EXPECT_EQ(peak->set_at, situation.inputs.now + 10s);
}

TEST(Policy, OverridesToComeCountInTheSlotsOfTheirTime) {
  Situation situation({10, 10, 10, 10, 10, 10});
  situation.inputs.forecast = &situation.forecast;
  const TimePoint now = situation.inputs.now;
  const std::vector<ScalingOverride> overrides{
      {.from = now + 19s, .until = now + 25s, .at_least = 40, .at_most = {}},
      {.from = now + 35s, .until = now + 60s, .at_least = {}, .at_most = 0}};
  const std::unique_ptr<Scaler> scaler = make_predictive_scaler(situation.settings);
  scaler->plan(situation.inputs);
  const std::vector<ProjectedSlot> plain = scaler->project(situation.inputs, 10s, 7);
  situation.inputs.overrides = overrides;
  const std::vector<ProjectedSlot> slots = scaler->project(situation.inputs, 10s, 7);
  EXPECT_EQ(slots[0].instances, plain[0].instances);
  EXPECT_EQ(slots[1].instances, 40U) << "its last second";
  EXPECT_EQ(slots[1].reason.constraint, Constraint::Override);
  EXPECT_EQ(slots[2].instances, 40U) << "its first half";
  EXPECT_EQ(slots[3].instances, plain[3].instances) << "a maintenance takes nothing away before it begins";
  EXPECT_EQ(slots[4].instances, 0U);
  EXPECT_EQ(slots[4].most, 0U);
  EXPECT_EQ(slots[4].reason.constraint, Constraint::Override);
  EXPECT_EQ(slots[6].instances, plain[6].instances);
  EXPECT_EQ(slots[6].reason.constraint, plain[6].reason.constraint);
}

TEST(Policy, AFactorToComeMultipliesWhatIsForeseenForItsTime) {
  Situation situation({100, 100, 100, 100});
  situation.inputs.forecast = &situation.forecast;
  const std::unique_ptr<Scaler> scaler = make_predictive_scaler(situation.settings);
  scaler->plan(situation.inputs);
  const std::vector<ProjectedSlot> plain = scaler->project(situation.inputs, 10s, 4);
  ASSERT_GT(plain[2].instances, 1U);
  const std::vector<ScalingOverride> overrides{{.from = situation.inputs.now + 20s,
                                                .until = situation.inputs.now + 30s,
                                                .at_least = {},
                                                .at_most = {},
                                                .factor = 3}};
  situation.inputs.overrides = overrides;
  const std::vector<ProjectedSlot> slots = scaler->project(situation.inputs, 10s, 4);
  EXPECT_EQ(slots[1].instances, plain[1].instances);
  EXPECT_EQ(slots[2].instances, 3 * plain[2].instances);
  EXPECT_EQ(slots[3].instances, plain[3].instances);
}

TEST(Policy, TheSameInputsGiveTheSamePlan) {
  Situation situation({7, 300, 20, 4});
  EXPECT_EQ(situation.plan(), situation.plan());
}

template <class Number>
Number hostile(Random& random) {
  constexpr Number kExtremes[] = {Number(0),
                                  Number(1),
                                  std::numeric_limits<Number>::max(),
                                  std::numeric_limits<Number>::min(),
                                  std::numeric_limits<Number>::lowest(),
                                  std::numeric_limits<Number>::quiet_NaN(),
                                  std::numeric_limits<Number>::infinity()};
  if (random.chance(0.5)) return static_cast<Number>(random.below(1000));
  return kExtremes[random.below(std::size(kExtremes))];
}

Duration hostile_duration(Random& random) {
  return random.chance(0.5) ? Duration(random.below(100'000'000)) : Duration(hostile<std::int64_t>(random));
}

ScalingInputs hostile_inputs(Random& random, ModelForecast& forecast) {
  forecast.model = random.chance(0.1) ? ModelId::None : ModelId::SeasonalQuantiles;
  forecast.forecast.start = TimePoint(hostile_duration(random));
  forecast.forecast.step = random.chance(0.5) ? 10s : hostile_duration(random);
  forecast.forecast.values.assign(random.below(80), 0);
  float last = 0;
  const bool ordered = random.chance(0.7);
  for (std::size_t i = 0; i < forecast.forecast.values.size(); ++i) {
    if (i % kForecastLevelCount == 0) last = 0;
    last += static_cast<float>(random.below(random.chance(0.1) ? 100'000'000 : 50));
    forecast.forecast.values[i] = ordered ? last : hostile<float>(random);
  }
  ScalingInputs inputs;
  inputs.now = random.chance(0.8) ? forecast.forecast.start : time_point_us(0);
  inputs.backlog = {.ready = hostile<std::uint32_t>(random),
                    .delayed = hostile<std::uint32_t>(random),
                    .in_flight = hostile<std::uint32_t>(random),
                    .oldest_wait = hostile_duration(random)};
  inputs.instances.starting = hostile<std::uint32_t>(random) / 8;
  inputs.instances.idle = hostile<std::uint32_t>(random) / 8;
  inputs.instances.busy = random.chance(0.5) ? 0 : hostile<std::uint32_t>(random);
  if (random.chance(0.3)) inputs.instances = {};
  inputs.instances_limit = hostile<std::uint32_t>(random);
  inputs.service_time = {hostile_duration(random), hostile_duration(random), hostile<std::uint64_t>(random)};
  inputs.start_time = {hostile_duration(random), hostile_duration(random), hostile<std::uint64_t>(random)};
  inputs.forecast = random.chance(0.1) ? nullptr : &forecast;
  inputs.forecast_loss = random.chance(0.6) ? 0.1 : hostile<double>(random);
  inputs.naive_loss = random.chance(0.6) ? 1 : hostile<double>(random);
  inputs.arrivals_last_step = hostile<float>(random);
  inputs.arrivals_per_second = hostile<float>(random);
  inputs.step = random.chance(0.5) ? 1s : hostile_duration(random);
  return inputs;
}

ScalingSettings hostile_settings(Random& random) {
  ScalingSettings settings;
  settings.objective = hostile_duration(random);
  settings.late_share_max = random.chance(0.5) ? 0.01 : hostile<double>(random);
  settings.instances_min = random.chance(0.5) ? 0 : hostile<std::uint32_t>(random);
  settings.instances_max = hostile<std::uint32_t>(random);
  settings.baseline_threshold = random.chance(0.5) ? 0 : hostile<std::uint32_t>(random);
  settings.instance_capacity = hostile<std::uint32_t>(random);
  settings.idle_cost_per_hour = hostile<std::int64_t>(random);
  settings.late_cost = random.chance(0.5) ? 0 : hostile<std::int64_t>(random);
  settings.budget_per_hour = random.chance(0.5) ? 0 : hostile<std::int64_t>(random);
  settings.keep_idle_max = hostile_duration(random);
  return settings;
}

TEST(Policy, NoInputsMakeItLeaveABacklogWithoutInstancesOrExceedALimit) {
  Random random(2024);
  int ahead = 0;
  for (int round = 0; round < 30'000; ++round) {
    const ScalingSettings settings = hostile_settings(random);
    const std::unique_ptr<Scaler> scaler = make_predictive_scaler(settings);
    for (int step = 0; step < 3; ++step) {
      ModelForecast forecast;
      const ScalingInputs inputs = hostile_inputs(random, forecast);
      const std::uint32_t max = std::min(settings.instances_max, inputs.instances_limit);
      const std::uint64_t usable =
          std::uint64_t{inputs.instances.starting} + inputs.instances.idle + inputs.instances.busy;
      const ScalingPlan plan = scaler->plan(inputs);
      ASSERT_LE(plan.instances, max) << "round " << round;
      ASSERT_LE(plan.warm_floor, plan.instances) << "round " << round;
      ASSERT_GE(plan.keep_idle, Duration(0)) << "round " << round;
      ASSERT_TRUE(std::isfinite(plan.reason.level) && std::isfinite(plan.reason.late_share) &&
                  std::isfinite(plan.reason.demand.messages) && std::isfinite(plan.reason.one_more_saves) &&
                  std::isfinite(plan.reason.one_more_costs_seconds))
          << "round " << round;
      if (inputs.backlog.ready > 0 && max > 0) {
        ASSERT_GE(plan.instances, 1U) << "round " << round;
      }
      const std::uint32_t more = scaler->start_now(inputs);
      ASSERT_TRUE(more == 0 || usable + more <= max) << "round " << round;
      if (inputs.backlog.ready > 0 && max > 0 && usable == 0) {
        ASSERT_GE(more, 1U) << "round " << round;
      }
      scaler->observe_start(inputs.now, hostile_duration(random));
      scaler->observe_ready(inputs.now);
      scaler->observe_service(hostile_duration(random));
      if (plan.reason.model != ModelId::None) ++ahead;
    }
  }
  EXPECT_GT(ahead, 500) << "the test reaches planning ahead too";
}

}  // namespace
}  // namespace forewarm
