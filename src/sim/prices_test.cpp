#include "sim/prices.h"

#include <gtest/gtest.h>

#include "sim/ledger.h"

namespace forewarm {
namespace {

constexpr TimePoint kOpening = time_point_us(1'000'000'000);
const QueueId kPricedQueue(1);

Configuration priced_function() {
  Configuration configuration;
  FunctionSettings function;
  function.id = FunctionId(1);
  configuration.functions.push_back(function);
  MappingSettings mapping;
  mapping.queue = kPricedQueue;
  mapping.function = FunctionId(1);
  configuration.mappings.push_back(mapping);
  return configuration;
}

StartInstance started(std::uint64_t id) {
  return {InstanceId(id), FunctionId(1), 1, 0, kPricedQueue, ScaleReason::Plan};
}
Run run_on(std::uint64_t id, std::uint64_t instance, TimePoint at) {
  return {RunId(id), InstanceId(instance), FunctionId(1), kPricedQueue, {{MessageId(id), 1, at}}};
}

/// Instance 1: starting 0 to 2 s, busy 2 to 5.5 s, idle to 8 s, then it ends. Instance 2: starting 4 to 6 s,
/// idle until the books close at 10 s.
QueueLedger two_instances(const BillingRules& billing, Duration from = 0s) {
  Ledger ledger({.start = kOpening,
                 .bucket = 10s,
                 .queues = {kPricedQueue},
                 .configuration = priced_function(),
                 .score_from = kOpening + from,
                 .billing = billing});
  ledger.observe({kOpening, TimePassed{}}, {started(1)});
  ledger.observe({kOpening + 2s, InstanceReady{InstanceId(1), 2s}}, {run_on(1, 1, kOpening + 2s)});
  ledger.observe({kOpening + 4s, TimePassed{}}, {started(2)});
  ledger.observe({kOpening + 5500ms, RunFinished{.run = RunId(1), .failed = {}}}, {});
  ledger.observe({kOpening + 6s, InstanceReady{InstanceId(2), 2s}}, {});
  ledger.observe({kOpening + 8s, InstanceLost{InstanceId(1)}}, {});
  ledger.finish(kOpening + 10s);
  return ledger.queues()[0];
}

PriceSheet distinct_prices() {
  PriceSheet sheet;
  sheet.memory_gb = 2;
  sheet.starting_second = 3;
  sheet.idle_second = 1;
  sheet.busy_second = 10;
  sheet.start = 100;
  sheet.million_requests = 7e6;
  return sheet;
}

TEST(BillingRules, round_up_to_the_minimum_and_to_whole_steps) {
  const BillingRules rules{
      .instance_minimum = 60s, .instance_step = 10s, .run_minimum = 1s, .run_step = 100ms};
  EXPECT_EQ(rules.instance_rounding(8s), 52s);
  EXPECT_EQ(rules.instance_rounding(60s), 0s);
  EXPECT_EQ(rules.instance_rounding(61s), 9s);
  EXPECT_EQ(rules.run_rounding(200ms), 800ms);
  EXPECT_EQ(rules.run_rounding(1250ms), 50ms);
  EXPECT_EQ(BillingRules{}.instance_rounding(1us), 0s);
}

TEST(Prices, every_second_start_and_request_has_its_price) {
  const QueueLedger book = two_instances({});
  EXPECT_DOUBLE_EQ(book.starting_seconds, 4);
  EXPECT_DOUBLE_EQ(book.idle_seconds, 2.5 + 4);
  EXPECT_DOUBLE_EQ(book.busy_seconds, 3.5);
  const Cost cost = cost_of(distinct_prices(), book, 10s);
  EXPECT_DOUBLE_EQ(cost.starting, 2 * 4 * 3);
  EXPECT_DOUBLE_EQ(cost.idle, 2 * 6.5 * 1);
  EXPECT_DOUBLE_EQ(cost.busy, 2 * 3.5 * 10);
  EXPECT_DOUBLE_EQ(cost.starts, 200);
  EXPECT_DOUBLE_EQ(cost.requests, 7);
  EXPECT_DOUBLE_EQ(cost.rounding, 0);
  EXPECT_DOUBLE_EQ(cost.committed, 0);
  EXPECT_DOUBLE_EQ(cost.total(), 24 + 13 + 70 + 200 + 7);
}

TEST(Prices, an_instance_is_charged_for_its_minimum_and_a_run_for_its_steps) {
  const BillingRules rules{.instance_minimum = 60s, .run_step = 1s};
  const QueueLedger book = two_instances(rules);
  EXPECT_DOUBLE_EQ(book.instance_rounding_seconds, 52);  // instance 2 still lives: it is not rounded
  EXPECT_DOUBLE_EQ(book.run_rounding_seconds, 0.5);
  PriceSheet sheet = distinct_prices();
  sheet.billing = rules;
  EXPECT_DOUBLE_EQ(cost_of(sheet, book, 10s).rounding, 2 * (52 * 1 + 0.5 * 10));
}

TEST(Prices, only_what_is_scored_is_charged_for) {
  const QueueLedger book = two_instances({.instance_minimum = 60s, .run_step = 1s}, 7s);
  EXPECT_DOUBLE_EQ(book.instance_seconds(), 1 + 3);
  EXPECT_EQ(book.starts, 0u);
  EXPECT_EQ(book.requests, 0u);
  EXPECT_EQ(book.runs, 1u);
  EXPECT_DOUBLE_EQ(book.run_rounding_seconds, 0);
  EXPECT_DOUBLE_EQ(book.instance_rounding_seconds, 52);  // it ends in the scored time
}

TEST(Prices, a_frozen_second_has_a_price_of_its_own_and_no_rounding) {
  Ledger ledger({.start = kOpening, .queues = {kPricedQueue}, .configuration = {}});
  ledger.observe({kOpening, TimePassed{}}, {started(1)});
  ledger.observe({kOpening + 2s, InstanceReady{InstanceId(1), 2s}}, {});
  ledger.observe({kOpening + 3s, TimePassed{}}, {FreezeInstance{InstanceId(1)}});
  ledger.observe({kOpening + 7s, TimePassed{}}, {ThawInstance{InstanceId(1)}, run_on(1, 1, kOpening + 7s)});
  ledger.observe({kOpening + 8s, RunFinished{.run = RunId(1), .failed = {}}}, {});
  ledger.observe({kOpening + 9s, TimePassed{}}, {FreezeInstance{InstanceId(1)}});
  ledger.observe({kOpening + 9500ms, InstanceLost{InstanceId(1), LossReason::Killed}}, {});
  ledger.finish(kOpening + 20s);
  const QueueLedger& book = ledger.queues()[0];
  EXPECT_DOUBLE_EQ(book.starting_seconds, 2);
  EXPECT_DOUBLE_EQ(book.idle_seconds, 1 + 1);
  EXPECT_DOUBLE_EQ(book.frozen_seconds, 4 + 0.5);
  EXPECT_DOUBLE_EQ(book.busy_seconds, 1);
  EXPECT_DOUBLE_EQ(book.instance_seconds(), 9.5);
  const std::vector<LevelCurve::Level> levels = book.levels.levels();
  ASSERT_EQ(levels.size(), 1u);
  EXPECT_DOUBLE_EQ(levels[0].frozen, 4.5);
  EXPECT_DOUBLE_EQ(levels[0].idle, 2);
  PriceSheet sheet = distinct_prices();
  sheet.frozen_second = 0.25;
  const Cost cost = cost_of(sheet, book, 20s);
  EXPECT_DOUBLE_EQ(cost.frozen, 2 * 4.5 * 0.25);
  EXPECT_DOUBLE_EQ(cost.idle, 2 * 2 * 1);
  EXPECT_DOUBLE_EQ(cost.total(), 2 * (2 * 3 + 2 + 4.5 * 0.25 + 10) + 100 + 7);
}

TEST(LevelCurve, puts_the_busy_first_and_adds_up_to_the_books) {
  const QueueLedger book = two_instances({});
  const std::vector<LevelCurve::Level> levels = book.levels.levels();
  ASSERT_EQ(levels.size(), 2u);
  // Level 1: starting 0 to 2, busy to 5.5, idle to 10. Level 2: starting 4 to 6, idle 6 to 8.
  EXPECT_DOUBLE_EQ(levels[0].starting, 2);
  EXPECT_DOUBLE_EQ(levels[0].busy, 3.5);
  EXPECT_DOUBLE_EQ(levels[0].idle, 4.5);
  EXPECT_DOUBLE_EQ(levels[1].starting, 2);
  EXPECT_DOUBLE_EQ(levels[1].busy, 0);
  EXPECT_DOUBLE_EQ(levels[1].idle, 2);
}

/// On an instance for so many seconds of 100 the level is busy, and else nothing is there.
QueueLedger busy_levels(const std::vector<double>& seconds_busy) {
  QueueLedger book;
  for (std::uint32_t level = 1; level <= seconds_busy.size(); ++level) {
    const double above = level < seconds_busy.size() ? seconds_busy[level] : 0;
    book.levels.add(seconds_busy[level - 1] - above, {.busy = level});
  }
  return book;
}

PriceSheet lambda_prices() {
  PriceSheet sheet;
  sheet.busy_second = sheet.starting_second = 0.0000166667;
  sheet.committed = CommittedPrice{.second = 0.0000041667, .busy_second = 0.0000097222, .step = 5min};
  return sheet;
}

TEST(CommittedTier, takes_the_levels_above_the_break_even_share) {
  // 0.0000041667 / (0.0000166667 - 0.0000097222) = 60 % of five minutes are 180 s.
  PriceSheet sheet = lambda_prices();
  const Cost cost = cost_of(sheet, busy_levels({300, 181, 179, 10}), 300s);
  EXPECT_EQ(cost.committed_instances, 2u);
  EXPECT_NEAR(cost.committed, 2 * 300 * 0.0000041667 + 481 * 0.0000097222, 1e-12);
  EXPECT_NEAR(cost.busy, 189 * 0.0000166667, 1e-12);
  sheet.committed.reset();
  const Cost on_demand = cost_of(sheet, busy_levels({300, 181, 179, 10}), 300s);
  EXPECT_NEAR(on_demand.total(), 670 * 0.0000166667, 1e-12);
  EXPECT_LT(cost.total(), on_demand.total());
}

TEST(CommittedTier, is_paid_in_whole_steps) {
  // 301 s are charged as 600 s, of which 181 s are less than 60 %.
  EXPECT_EQ(cost_of(lambda_prices(), busy_levels({301, 181}), 301s).committed_instances, 0u);
  EXPECT_EQ(cost_of(lambda_prices(), busy_levels({600, 361}), 600s).committed_instances, 2u);
}

TEST(CommittedTier, replaces_idle_and_starting_time_too) {
  PriceSheet sheet = distinct_prices();
  sheet.committed = CommittedPrice{.second = 1.5, .busy_second = 0, .step = 0s};
  const Cost cost = cost_of(sheet, two_instances({}), 10s);
  // Level 1 on demand: 2 * (2 * 3 + 4.5 + 35) = 91, committed 2 * 15. Level 2: 2 * (6 + 2) = 16 is less
  // than 30.
  EXPECT_EQ(cost.committed_instances, 1u);
  EXPECT_DOUBLE_EQ(cost.committed, 30);
  EXPECT_DOUBLE_EQ(cost.starting + cost.idle + cost.busy, 16);
}

TEST(CommittedTier, serves_the_queue_it_is_made_for) {
  const QueueLedger half = busy_levels({150});
  const Cost cost = cost_of(lambda_prices(), std::vector<QueueLedger>{half, half, busy_levels({300})}, 300s);
  EXPECT_EQ(cost.committed_instances, 1u);
  EXPECT_NEAR(cost.busy, 300 * 0.0000166667, 1e-12);
}

}  // namespace
}  // namespace forewarm
