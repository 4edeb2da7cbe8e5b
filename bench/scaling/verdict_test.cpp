#include "scaling/verdict.h"

#include <gtest/gtest.h>

#include <boost/json/object.hpp>
#include <cmath>

#include "scaling/clairvoyant.h"

namespace forewarm::bench {
namespace {

TEST(ClairvoyantFits, say_what_the_trace_will_bring_at_every_level) {
  Trace trace;
  trace.start = time_point_us(1'700'000'000'000'000);
  trace.length = 60s;
  trace.queues = {{"some", std::nullopt}, {"none", std::nullopt}};
  for (const Duration at : {Duration(0s), Duration(10s), Duration(19'999ms), Duration(20s), Duration(45s)})
    trace.arrivals.push_back({.at = at, .queue = 0});
  const ClairvoyantFits fits(trace);
  FitRequest request{.queue = QueueId(1),
                     .serial = 7,
                     .start = trace.start,
                     .step = 10s,
                     .arrivals = {1},
                     .regressors = {},
                     .seasons = {},
                     .horizon = 4};
  const ForecastFitted answer = fits.fit(request);
  EXPECT_EQ(answer.serial, 7u);
  ASSERT_EQ(answer.forecasts.size(), 1u);
  const Forecast& forecast = answer.forecasts[0].forecast;
  EXPECT_EQ(forecast.start, trace.start + 10s);
  ASSERT_EQ(forecast.horizon(), 4u);
  const float expected[] = {2, 1, 0, 1};
  for (std::size_t h = 0; h < 4; ++h) {
    for (std::size_t level = 0; level < kForecastLevelCount; ++level)
      EXPECT_EQ(forecast.at(h, level), expected[h]);
  }
  request.queue = QueueId(2);
  EXPECT_EQ(fits.fit(request).forecasts[0].forecast.at(0, 8), 0);
}

Outcome outcome_with(double ours, std::uint64_t ours_late) {
  return {.place = "here",
          .predictable = true,
          .bound = 60,
          .ours = ours,
          .baseline = 100,
          .messages = 1000,
          .ours_late = ours_late,
          .baseline_late = 20,
          .lead = 2,
          .slack = 0.5,
          .late_share = 0.01};
}

TEST(Outcome, closes_no_gap_by_being_late) {
  EXPECT_DOUBLE_EQ(*outcome_with(70, 18).gap(), 0.25);  // 18 of 1,000 may be late
  EXPECT_DOUBLE_EQ(*outcome_with(70, 20).gap(), 0.25);  // as the baseline
  EXPECT_DOUBLE_EQ(*outcome_with(70, 21).gap(), 1);
  EXPECT_DOUBLE_EQ(*outcome_with(110, 21).gap(), 1.25);
  Outcome nothing_to_gain = outcome_with(70, 0);
  nothing_to_gain.bound = 91;
  EXPECT_FALSE(nothing_to_gain.gap());
}

TEST(Outcome, counts_no_saving_that_was_paid_for_in_lateness) {
  EXPECT_DOUBLE_EQ(outcome_with(75, 20).cost_change(), -0.25);
  EXPECT_DOUBLE_EQ(outcome_with(75, 21).cost_change(), 0);
  EXPECT_DOUBLE_EQ(outcome_with(125, 21).cost_change(), 0.25);
}

TEST(Outcome, compares_late_messages_at_the_baselines_cost) {
  Outcome one = outcome_with(70, 0);
  EXPECT_FALSE(one.fewer_late());
  one.front_late = 0.005;  // 5 messages for its 20
  EXPECT_DOUBLE_EQ(*one.fewer_late(), 0.75);
  one.baseline_late = 0;
  EXPECT_FALSE(one.fewer_late());
}

const Bar& bar_named(const std::vector<Bar>& bars, const std::string& beginning) {
  for (const Bar& bar : bars) {
    if (bar.name.starts_with(beginning)) return bar;
  }
  ADD_FAILURE() << beginning;
  return bars.front();
}

TEST(Bars, sum_up_queues_and_runs) {
  std::vector<Outcome> outcomes = {outcome_with(70, 18), outcome_with(80, 30), outcome_with(90, 0)};
  outcomes[0].days = {.days = 3, .kept = 3, .worst_late = 4, .worst_allowed = 9};
  outcomes[1].place = "there";
  outcomes[1].days = {.days = 2, .kept = 1, .worst_late = 29, .worst_allowed = 9};
  outcomes[0].front_late = 0.004;
  outcomes[1].front_late = 0.01;
  outcomes[2].front_late = 0.03;
  outcomes[0].clairvoyant = 56;
  outcomes[1].clairvoyant = 72;
  outcomes[2].slack = 5;  // nothing to plan for
  const std::vector<RunOutcome> runs = {{.ours_turns = 10, .hpa_turns = 40},
                                        {.ours_turns = 30, .hpa_turns = 10},
                                        {.ours_turns = 2, .hpa_turns = 10},
                                        {.ours_starts = 6, .clairvoyant_starts = 3}};
  const std::vector<Bar> bars = bars_of(outcomes, runs, {0.1, 0.3});
  EXPECT_DOUBLE_EQ(bar_named(bars, "queues whose saving").value, 1.0 / 3);
  EXPECT_DOUBLE_EQ(bar_named(bars, "queues with >=").value, 2.0 / 3);
  EXPECT_DOUBLE_EQ(bar_named(bars, "days of such").value, 0.8);
  EXPECT_EQ(bar_named(bars, "days of such").of, 5u);
  EXPECT_DOUBLE_EQ(bar_named(bars, "the worst queue-day").value, 3);
  EXPECT_EQ(bar_named(bars, "the worst queue-day").where, "there");
  EXPECT_DOUBLE_EQ(bar_named(bars, "fewer late").value, 0.5);  // of .8 and .5, the lower
  EXPECT_EQ(bar_named(bars, "fewer late").of, 2u);
  EXPECT_DOUBLE_EQ(bar_named(bars, "the same, over all others").value, -0.5);
  EXPECT_NEAR(bar_named(bars, "fewer still").value, 0.1, 1e-9);  // of .2 and .1, the lower
  EXPECT_DOUBLE_EQ(bar_named(bars, "direction changes").value, 0.25);
  EXPECT_DOUBLE_EQ(bar_named(bars, "starts").value, 2);
  EXPECT_DOUBLE_EQ(bar_named(bars, "cost above the policy").value, 0.3);
}

TEST(Bars, are_met_or_not_or_there_was_nothing_to_judge) {
  const auto met = [](double value, const char* wanted) {
    return Bar{.name = "n", .value = value, .wanted = wanted, .of = 1}.json().as_object().at("met");
  };
  EXPECT_TRUE(met(0.5, "<= 0.5").as_bool());
  EXPECT_FALSE(met(0.51, "<= 0.5").as_bool());
  EXPECT_TRUE(met(0.6, ">= 0.6").as_bool());
  EXPECT_FALSE(met(0.59, ">= 0.6").as_bool());
  EXPECT_TRUE(met(std::nan(""), ">= 0.6").is_null());
  EXPECT_TRUE(met(3, "").is_null());
}

}  // namespace
}  // namespace forewarm::bench
