#include <gtest/gtest.h>

#include "sim/arrivals.h"
#include "sim/distribution.h"
#include "sim/faults.h"
#include "sim/invariants.h"
#include "sim/ledger.h"
#include "sim/simulated_world.h"

namespace forewarm {
namespace {

TEST(DurationDistribution, a_fixed_one_is_always_the_same) {
  Random random(1);
  const DurationDistribution fixed = DurationDistribution::fixed(250ms);
  EXPECT_EQ(fixed.draw(random), 250ms);
  EXPECT_EQ(fixed.draw(random), 250ms);
}

TEST(DurationDistribution, a_log_normal_has_its_median) {
  Random random(1);
  const DurationDistribution times = DurationDistribution::log_normal(1s, 0.5);
  int below = 0;
  for (int i = 0; i < 10'000; ++i) below += times.draw(random) < 1s ? 1 : 0;
  EXPECT_NEAR(below, 5000, 150);
}

TEST(DurationDistribution, an_empirical_one_keeps_to_its_percentiles) {
  Random random(1);
  const DurationDistribution times =
      DurationDistribution::empirical({{0.25, 10ms}, {0.5, 20ms}, {1.0, 100ms}});
  int least = 0, upper = 0;
  for (int i = 0; i < 10'000; ++i) {
    const Duration drawn = times.draw(random);
    EXPECT_GE(drawn, 10ms);
    EXPECT_LE(drawn, 100ms);
    least += drawn == 10ms ? 1 : 0;
    upper += drawn > 20ms ? 1 : 0;
  }
  EXPECT_NEAR(least, 2500, 150);
  EXPECT_NEAR(upper, 5000, 150);
}

TEST(Arrivals, come_at_the_rate_of_their_pattern) {
  const auto count = [](const ArrivalPattern& pattern) { return generate_arrivals({pattern}, 1h, 7).size(); };
  EXPECT_NEAR(static_cast<double>(count({.kind = PatternKind::Poisson, .rate_per_second = 2})), 7200, 300);
  EXPECT_NEAR(
      static_cast<double>(count({.kind = PatternKind::Diurnal, .rate_per_second = 2, .period = 10min})), 7200,
      300);
  EXPECT_EQ(count({.kind = PatternKind::Periodic, .period = 60s, .size = 10}), 600u);
}

TEST(Arrivals, of_a_pattern_do_not_depend_on_those_added_after_it) {
  const ArrivalPattern first{.queue = 0, .rate_per_second = 0.5};
  const ArrivalPattern second{.queue = 1, .rate_per_second = 3};
  const std::vector<Arrival> alone = generate_arrivals({first}, 1h, 3);
  std::vector<Arrival> both = generate_arrivals({first, second}, 1h, 3);
  std::erase_if(both, [](const Arrival& arrival) { return arrival.queue == 1; });
  ASSERT_EQ(alone.size(), both.size());
  for (std::size_t i = 0; i < alone.size(); ++i) EXPECT_EQ(alone[i].at, both[i].at);
}

TEST(Faults, happen_as_often_as_said_and_always_to_the_same) {
  const Faults faults({.start_failure = 0.2, .poison = 0.1}, 5);
  int starts = 0, poisoned = 0;
  for (std::uint64_t i = 1; i <= 10'000; ++i) {
    starts += faults.start(i) != StartFault::None ? 1 : 0;
    poisoned += faults.poison(MessageId(i)) ? 1 : 0;
    EXPECT_EQ(faults.poison(MessageId(i)), faults.poison(MessageId(i)));
  }
  EXPECT_NEAR(starts, 2000, 200);
  EXPECT_NEAR(poisoned, 1000, 150);
  EXPECT_EQ(faults.run(RunId(1)), RunFault::None);
}

TEST(DurationCounts, give_quantiles_within_their_bucket) {
  DurationCounts counts;
  for (int i = 1; i <= 1000; ++i) counts.add(std::chrono::milliseconds(i));
  EXPECT_NEAR(seconds(counts.quantile(0.5)), 0.5, 0.02);
  EXPECT_NEAR(seconds(counts.quantile(0.99)), 0.99, 0.035);
  EXPECT_NEAR(seconds(counts.mean()), 0.5005, 1e-6);
  DurationCounts more;
  more.add(10h);
  counts.add(more);
  EXPECT_EQ(counts.count(), 1001u);
  EXPECT_GE(counts.quantile(1), 10h);
}

constexpr TimePoint kStart = time_point_us(1'000'000'000);
const QueueId kQueue(1);
const FunctionId kFunction(1);

Configuration one_function() {
  Configuration configuration;
  FunctionSettings function;
  function.id = kFunction;
  function.concurrency_max = 2;
  configuration.functions.push_back(function);
  MappingSettings mapping;
  mapping.queue = kQueue;
  mapping.function = kFunction;
  configuration.mappings.push_back(mapping);
  return configuration;
}

MessageArrived arrived(std::uint64_t id, TimePoint at, GroupId group = {}) {
  MessageArrived event;
  event.message.id = MessageId(id);
  event.message.queue = kQueue;
  event.message.sent = event.message.visible_at = at;
  event.message.group = group;
  return event;
}

StartInstance start(std::uint64_t id) {
  return {InstanceId(id), kFunction, 1, 0, kQueue, ScaleReason::Plan};
}
Run run(std::uint64_t id, std::uint64_t instance, std::uint64_t message, std::uint16_t count, TimePoint at) {
  return {RunId(id), InstanceId(instance), kFunction, kQueue, {{MessageId(message), count, at}}};
}

TEST(Ledger, charges_instances_by_state_and_messages_by_lateness) {
  Ledger ledger({.start = kStart, .bucket = 10s, .queues = {kQueue}, .configuration = one_function()});
  ledger.observe({kStart, arrived(1, kStart)}, {start(1)});
  ledger.observe({kStart + 2s, InstanceReady{InstanceId(1), 2s}}, {run(1, 1, 1, 1, kStart + 2s)});
  ledger.observe({kStart + 5s, RunFinished{.run = RunId(1), .failed = {}}}, {Delete{MessageId(1)}});
  ledger.observe({kStart + 6s, arrived(2, kStart + 6s)}, {run(2, 1, 2, 1, kStart + 6s)});
  ledger.observe({kStart + 7s, RunFinished{.run = RunId(2), .failed = {}}}, {Delete{MessageId(2)}});
  ledger.observe({kStart + 8s, arrived(3, kStart + 8s)}, {});
  ledger.finish(kStart + 15s);
  const QueueLedger total = ledger.total();
  EXPECT_EQ(total.messages, 3u);
  EXPECT_EQ(total.started, 2u);
  EXPECT_EQ(total.cold_starts, 1u);
  EXPECT_EQ(total.unstarted, 1u);
  EXPECT_EQ(total.late, 2u);  // the first waited 2 s, the third is still there after 7 s
  EXPECT_DOUBLE_EQ(total.starting_seconds, 2);
  EXPECT_DOUBLE_EQ(total.busy_seconds, 4);
  EXPECT_DOUBLE_EQ(total.idle_seconds, 9);
  ASSERT_EQ(ledger.timeline().size(), 2u);
  EXPECT_DOUBLE_EQ(ledger.timeline()[0].instance_seconds, 10);
  EXPECT_DOUBLE_EQ(ledger.timeline()[1].instance_seconds, 5);
  EXPECT_EQ(ledger.timeline()[0].arrivals, 3u);
  EXPECT_EQ(ledger.timeline()[0].late, 2u);
}

TEST(Ledger, counts_a_late_message_where_it_came_and_not_where_it_started) {
  Ledger ledger({.start = kStart, .bucket = 10s, .queues = {kQueue}, .configuration = one_function()});
  ledger.observe({kStart + 9s, arrived(1, kStart + 9s)}, {start(1)});
  ledger.observe({kStart + 12s, InstanceReady{InstanceId(1), 3s}}, {run(1, 1, 1, 1, kStart + 12s)});
  ledger.finish(kStart + 15s);
  ASSERT_EQ(ledger.timeline().size(), 2u);
  EXPECT_EQ(ledger.timeline()[0].late, 1u);
  EXPECT_EQ(ledger.timeline()[1].late, 0u);
}

TEST(Ledger, lines_of_what_is_scored_add_up_to_the_books) {
  // The scored part is 5 s to 27 s; the instance is there from 0 s to 40 s, its runs are 1 s to 7 s and 26 s
  // to the end.
  Ledger ledger({.start = kStart,
                 .bucket = 10s,
                 .queues = {kQueue},
                 .configuration = one_function(),
                 .score_from = kStart + 5s,
                 .score_until = kStart + 27s,
                 .lines_of_scored = true});
  ledger.observe({kStart, arrived(1, kStart)}, {start(1)});
  ledger.observe({kStart + 1s, InstanceReady{InstanceId(1), 1s}}, {run(1, 1, 1, 1, kStart + 1s)});
  ledger.observe({kStart + 7s, RunFinished{.run = RunId(1), .failed = {}}}, {Delete{MessageId(1)}});
  ledger.observe({kStart + 16s, arrived(2, kStart + 16s)}, {});
  ledger.observe({kStart + 26s, arrived(3, kStart + 26s)}, {run(2, 1, 3, 1, kStart + 26s)});
  ledger.observe({kStart + 28s, arrived(4, kStart + 28s)}, {});
  ledger.finish(kStart + 40s);
  const std::vector<TimelineBucket> line = ledger.timeline();
  ASSERT_EQ(line.size(), 3u);
  const double lengths[] = {10, 10, 2}, busy[] = {2, 0, 1};
  const std::uint64_t came[] = {0, 1, 1}, late[] = {0, 1, 0};
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_DOUBLE_EQ(line[i].instance_seconds, lengths[i]);
    EXPECT_DOUBLE_EQ(line[i].busy_seconds, busy[i]);
    EXPECT_EQ(line[i].arrivals, came[i]);
    EXPECT_EQ(line[i].late, late[i]);
  }
  EXPECT_DOUBLE_EQ(ledger.total().instance_seconds(), 22);
  EXPECT_EQ(ledger.total().messages, 2u);
  EXPECT_EQ(ledger.total().late, 1u);
}

TEST(Ledger, counts_how_often_the_number_of_instances_turns) {
  const auto turns = [](Duration from) {
    Ledger ledger({.start = kStart,
                   .bucket = 10s,
                   .queues = {kQueue},
                   .configuration = one_function(),
                   .score_from = kStart + from});
    ledger.observe({kStart, TimePassed{}}, {start(1), start(2)});
    ledger.observe({kStart + 1s, InstanceLost{InstanceId(1)}}, {});          // down: the first turn
    ledger.observe({kStart + 2s, InstanceLost{InstanceId(2)}}, {});          // on down
    ledger.observe({kStart + 3s, TimePassed{}}, {start(3)});                 // up: the second
    ledger.observe({kStart + 4s, InstanceLost{InstanceId(3)}}, {start(4)});  // down and up at once
    ledger.finish(kStart + 5s);
    return ledger.total().direction_changes;
  };
  EXPECT_EQ(turns(0s), 4u);
  EXPECT_EQ(turns(2500ms), 3u);
}

/// An oracle that never complains proves nothing: each of these breaks one promise.
class Oracle : public ::testing::Test {
 protected:
  void SetUp() override {
    observe(0s, QueueChanged{kQueue, {}}, {});
    Configuration configuration = one_function();
    configuration.functions[0].freeze_after = 2s;
    observe(0s, ConfigurationChanged{configuration}, {});
  }
  void observe(Duration at, Event event, const Actions& actions) {
    oracle_.observe({kStart + at, std::move(event)}, actions);
  }
  /// Instance 1 is idle and message 1 is there.
  void ready() {
    observe(0s, arrived(1, kStart), {start(1)});
    observe(1s, InstanceReady{InstanceId(1), 1s}, {});
  }
  std::string first() const {
    return oracle_.violations().empty() ? "" : oracle_.violations()[0].substr(0, 3);
  }
  Invariants oracle_{Invariants::Options{}};
};

TEST_F(Oracle, is_content_with_what_is_right) {
  ready();
  observe(2s, TimePassed{}, {run(1, 1, 1, 1, kStart + 2s)});
  observe(3s, RunFinished{.run = RunId(1), .failed = {}}, {Delete{MessageId(1), DeleteReason::RunSucceeded}});
  observe(4s, TimePassed{}, {StopInstance{InstanceId(1)}});
  observe(5s, InstanceLost{InstanceId(1)}, {});
  EXPECT_EQ(first(), "");
  EXPECT_EQ(oracle_.live_messages(), 0u);
}

TEST_F(Oracle, sees_a_failed_message_that_is_forgotten) {
  ready();
  observe(2s, TimePassed{}, {run(1, 1, 1, 1, kStart + 2s)});
  observe(3s, RunFinished{.run = RunId(1), .error = ErrorClass::Handler, .failed = {}}, {});
  EXPECT_EQ(first(), "I1 ");
}

TEST_F(Oracle, sees_a_deleted_message_that_runs) {
  ready();
  observe(2s, TimePassed{}, {run(1, 1, 1, 1, kStart + 2s)});
  observe(3s, RunFinished{.run = RunId(1), .failed = {}}, {Delete{MessageId(1), DeleteReason::RunSucceeded}});
  observe(4s, TimePassed{}, {run(2, 1, 1, 2, kStart + 4s)});
  EXPECT_EQ(first(), "I2 ");
}

TEST_F(Oracle, sees_two_leases_of_one_message) {
  ready();
  observe(2s, ReceiveRequested{ReceiverId(1), kQueue, 1, 30s, kStart + 2s},
          {Deliver{ReceiverId(1), {{MessageId(1), 1, kStart + 32s}}}});
  EXPECT_EQ(first(), "");
  observe(3s, TimePassed{}, {run(1, 1, 1, 2, kStart + 3s)});
  EXPECT_EQ(first(), "I3 ");
}

TEST_F(Oracle, sees_a_receive_count_that_falls) {
  ready();
  observe(2s, TimePassed{}, {run(1, 1, 1, 1, kStart + 2s)});
  observe(3s, RunFinished{.run = RunId(1), .error = ErrorClass::Handler, .failed = {}},
          {SetVisibility{MessageId(1), kStart + 4s, 0, {}}});
  EXPECT_EQ(first(), "I4 ");
}

TEST_F(Oracle, sees_a_group_out_of_order) {
  QueueSettings fifo;
  fifo.fifo = true;
  observe(0s, QueueChanged{kQueue, fifo}, {});
  observe(0s, arrived(1, kStart, GroupId(9)), {start(1)});
  observe(0s, arrived(2, kStart, GroupId(9)), {});
  observe(1s, InstanceReady{InstanceId(1), 1s}, {run(1, 1, 2, 1, kStart + 1s)});
  EXPECT_EQ(first(), "I5 ");
}

TEST_F(Oracle, sees_a_message_that_was_never_out_pass_one_in_flight) {
  QueueSettings fifo;
  fifo.fifo = true;
  observe(0s, QueueChanged{kQueue, fifo}, {});
  for (std::uint64_t id = 1; id <= 3; ++id) observe(0s, arrived(id, kStart, GroupId(9)), {});
  const auto receive = [&](Duration when, std::uint64_t receiver, const std::vector<Lease>& leases) {
    observe(when,
            ReceiveRequested{.receiver = ReceiverId(receiver),
                             .queue = kQueue,
                             .messages_max = 10,
                             .visibility_timeout = 30s,
                             .wait_until = kStart + when},
            {Deliver{ReceiverId(receiver), leases}});
  };
  receive(1s, 1, {{MessageId(1), 1, kStart + 31s}, {MessageId(2), 1, kStart + 31s}});
  observe(2s, VisibilityChanged{MessageId(1), 1, 0s}, {SetVisibility{MessageId(1), kStart + 2s, 1, {}}});
  receive(3s, 2, {{MessageId(1), 2, kStart + 33s}});
  EXPECT_EQ(first(), "") << "what came back may go out again";
  observe(4s, MessageDeleted{MessageId(1), 2}, {Delete{MessageId(1), DeleteReason::Client}});
  receive(5s, 3, {{MessageId(3), 1, kStart + 35s}});
  EXPECT_EQ(first(), "I5 ");
}

TEST_F(Oracle, sees_a_second_run_on_a_busy_instance) {
  ready();
  observe(1s, arrived(2, kStart + 1s), {run(1, 1, 1, 1, kStart + 1s), run(2, 1, 2, 1, kStart + 1s)});
  EXPECT_EQ(first(), "I8 ");
}

TEST_F(Oracle, sees_a_busy_instance_that_is_stopped) {
  ready();
  observe(2s, TimePassed{}, {run(1, 1, 1, 1, kStart + 2s), StopInstance{InstanceId(1)}});
  EXPECT_EQ(first(), "I8 ");
}

TEST_F(Oracle, is_content_with_a_frozen_instance_that_is_thawed_for_a_run) {
  ready();
  observe(3s, TimePassed{}, {FreezeInstance{InstanceId(1)}});
  observe(4s, TimePassed{}, {ThawInstance{InstanceId(1)}, run(1, 1, 1, 1, kStart + 4s)});
  EXPECT_EQ(first(), "");
}

TEST_F(Oracle, sees_a_frozen_instance_that_is_given_a_run_or_stopped) {
  ready();
  observe(3s, TimePassed{}, {FreezeInstance{InstanceId(1)}, run(1, 1, 1, 1, kStart + 3s)});
  observe(4s, RunFinished{.run = RunId(1), .failed = {}}, {Delete{MessageId(1), DeleteReason::RunSucceeded}});
  observe(6s, TimePassed{}, {FreezeInstance{InstanceId(1)}, StopInstance{InstanceId(1)}});
  EXPECT_EQ(oracle_.violations().size(), 2u);
  EXPECT_EQ(first(), "I8 ");
}

TEST_F(Oracle, sees_an_instance_that_is_frozen_too_early_or_while_it_works) {
  ready();
  observe(2s, TimePassed{}, {FreezeInstance{InstanceId(1)}, ThawInstance{InstanceId(1)}});
  observe(4s, TimePassed{}, {run(1, 1, 1, 1, kStart + 4s), FreezeInstance{InstanceId(1)}});
  observe(5s, TimePassed{}, {ThawInstance{InstanceId(1)}});
  EXPECT_EQ(oracle_.violations().size(), 3u);
  EXPECT_EQ(first(), "I8 ");
}

TEST_F(Oracle, sees_a_retry_on_the_instance_that_failed_it) {
  ready();
  observe(2s, TimePassed{}, {run(1, 1, 1, 1, kStart + 2s), start(2)});
  observe(3s, InstanceReady{InstanceId(2), 1s}, {});
  observe(4s, RunFinished{.run = RunId(1), .error = ErrorClass::Handler, .failed = {}},
          {SetVisibility{MessageId(1), kStart + 4s, 1, {}}, run(2, 1, 1, 2, kStart + 4s)});
  EXPECT_EQ(first(), "I9 ");
}

TEST_F(Oracle, sees_more_instances_than_allowed) {
  observe(0s, arrived(1, kStart), {start(1), start(2), start(3)});
  EXPECT_EQ(first(), "I10");
}

TEST_F(Oracle, sees_more_memory_than_allowed) {
  Configuration configuration = one_function();
  configuration.memory_max_bytes = 256ULL << 20;
  observe(0s, ConfigurationChanged{configuration}, {start(1), start(2)});
  EXPECT_EQ(first(), "");
  configuration.functions[0].variants[0].memory_bytes = 1;
  configuration.functions[0].concurrency_max = 5;
  configuration.mappings[0].scaling.instances_max = 5;
  observe(1s, ConfigurationChanged{configuration}, {StopInstance{InstanceId(1)}, start(3)});
  EXPECT_EQ(first(), "I13") << "one that stops is there until it is gone";
}

TEST_F(Oracle, sees_more_starts_than_the_rate_allows) {
  Configuration configuration = one_function();
  configuration.functions[0].concurrency_max = 5;
  configuration.mappings[0].scaling.instances_max = 5;
  configuration.starts_per_second = 0.1;
  configuration.starts_burst = 2;
  observe(0s, ConfigurationChanged{configuration}, {start(1), start(2)});
  observe(10s, TimePassed{}, {start(3)});
  EXPECT_EQ(first(), "");
  observe(19s, TimePassed{}, {start(4)});
  EXPECT_EQ(first(), "I13");
}

TEST_F(Oracle, sees_a_backlog_that_nobody_serves) {
  observe(0s, arrived(1, kStart), {});
  for (int minute = 1; minute < 10; ++minute) observe(minute * 1min, TimePassed{}, {});
  EXPECT_EQ(first(), "I10");
}

/// Lets a world play against hands-on actions instead of a core.
TEST(SimulatedWorld, starts_runs_and_stops_what_it_is_told) {
  SimulationOptions options;
  options.start = kStart;
  options.length = 1min;
  options.configuration = one_function();
  options.queues = {
      SimulatedQueue{.id = kQueue, .settings = {}, .service_time = DurationDistribution::fixed(3s)}};
  options.start_time = DurationDistribution::fixed(2s);
  std::vector<Arrival> list(1);
  list[0].at = 5s;
  const auto arrivals = make_arrival_list(list);
  SimulatedWorld world(options, *arrivals);
  const auto next = [&](const Actions& actions) {
    std::optional<TimedEvent> event = world.next(kNever);
    if (event) world.perform(*event, actions);
    return event;
  };
  EXPECT_TRUE(std::holds_alternative<ConfigurationChanged>(next({})->event));
  EXPECT_TRUE(std::holds_alternative<QueueChanged>(next({})->event));
  const auto came = next({start(1)});
  ASSERT_TRUE(came && std::holds_alternative<MessageArrived>(came->event));
  EXPECT_EQ(came->time, kStart + 5s);
  const auto ready = next({run(1, 1, 1, 1, kStart + 7s)});
  ASSERT_TRUE(ready && std::holds_alternative<InstanceReady>(ready->event));
  EXPECT_EQ(ready->time, kStart + 7s);
  const auto finished = next({Delete{MessageId(1)}, StopInstance{InstanceId(1)}});
  ASSERT_TRUE(finished && std::holds_alternative<RunFinished>(finished->event));
  EXPECT_EQ(finished->time, kStart + 10s);
  const auto lost = next({});
  ASSERT_TRUE(lost && std::holds_alternative<InstanceLost>(lost->event));
  EXPECT_FALSE(next({}));
}

}  // namespace
}  // namespace forewarm
