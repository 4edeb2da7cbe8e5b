#include "app/measured_run.h"

#include <gtest/gtest.h>

#include "app/replay_world.h"

namespace forewarm {
namespace {

constexpr Duration kBetweenMessages = 250ms;

Trace uneven_trace() {
  Trace trace;
  trace.start = time_point_us(1'700'000'000'000'000);
  trace.length = 10min;
  trace.queues = {{.name = "even", .durations = {}}, {.name = "batches", .durations = {}}};
  for (Duration at = 0s; at < trace.length; at += kBetweenMessages) {
    trace.arrivals.push_back({.at = at, .queue = 0, .bytes = 5, .service_time = 300ms});
    if (at % 30s < 1s) trace.arrivals.push_back({.at = at, .queue = 1, .bytes = 5, .service_time = 800ms});
  }
  return trace;
}

/// Not what a replay would take by itself.
SimulationOptions unusual_world(const Trace& trace) {
  ReplayOptions options;
  options.step = 1s;
  options.objective = 100ms;
  SimulationOptions world = replay_world(trace, options);
  world.start_time = DurationDistribution::log_normal(700ms, 0.5);
  for (std::size_t i = 0; i < trace.arrivals.size(); ++i)
    world.accept_times.push_back(1ms * static_cast<Duration::rep>(i % 7));
  world.stop_time = 2s;
  world.fit_latency = 30ms;
  world.configuration.forecast.refit_every = 2;
  world.configuration.instances_max = 9;
  for (FunctionSettings& function : world.configuration.functions) function.concurrency_max = 7;
  return world;
}

TEST(MeasuredRun, a_run_that_was_measured_is_replayed_as_it_was) {
  const Trace trace = uneven_trace();
  const SimulationOptions world = unusual_world(trace);
  MeasuredRun measured;
  measured.begin(world.start, {QueueId(1), QueueId(2)});
  TraceArrivals arrivals(trace, 1);
  const SimulationResult ran =
      run_simulation(world, arrivals, {.score_until = trace.length + 1ms, .watchers = {&measured}});
  ASSERT_GT(ran.total.starts, 5u);

  const Trace played = measured.trace(trace.queues, trace.length);
  ASSERT_EQ(played.arrivals.size(), trace.arrivals.size());
  for (std::size_t i = 0; i < played.arrivals.size(); ++i) {
    EXPECT_EQ(played.arrivals[i].at, trace.arrivals[i].at);
    EXPECT_EQ(played.arrivals[i].service_time, trace.arrivals[i].service_time);
  }
  ReplayOptions options;
  options.policies = {"forewarm"};
  options.bound = false;
  options.measured = measured.world({});
  EXPECT_EQ(options.measured->accept_times, world.accept_times);
  EXPECT_EQ(options.measured->stop_time, 2s);
  EXPECT_EQ(options.measured->fit_latency, 30ms);
  EXPECT_EQ(options.measured->configuration, world.configuration);
  const Result<ReplayReport> report = replay(played, options);
  ASSERT_TRUE(report) << report.error().message;
  const QueueLedger& again = report->policies[0].result.total;
  EXPECT_EQ(again.starts, ran.total.starts);
  EXPECT_EQ(again.late, ran.total.late);
  EXPECT_EQ(again.instance_seconds(), ran.total.instance_seconds());
  EXPECT_EQ(again.waits.quantile(0.99), ran.total.waits.quantile(0.99));
}

TimedEvent sent(TimePoint at, QueueId queue, std::uint64_t id) {
  MessageArrived arrived;
  arrived.message.id = MessageId(id);
  arrived.message.queue = queue;
  arrived.message.sent = at;
  return {at, arrived};
}

TEST(MeasuredRun, what_did_not_finish_takes_what_others_of_its_queue_took) {
  const TimePoint start = time_point_us(1'000'000);
  MeasuredRun measured;
  measured.begin(start, {QueueId(1), QueueId(2)});
  for (std::uint64_t id = 1; id <= 4; ++id) measured.observe(sent(start, QueueId(id <= 3 ? 1 : 2), id), {});
  for (std::uint64_t id = 1; id <= 2; ++id) {
    forewarm::Run run;
    run.run = RunId(id);
    run.leases.emplace_back().message = MessageId(id);
    measured.observe({start, TimePassed{}}, {run});
    RunFinished finished;
    finished.run = RunId(id);
    measured.observe({start + 10ms * static_cast<Duration::rep>(id), finished}, {});
  }
  const std::vector<TraceQueue> queues = {{.name = "some", .durations = {}},
                                          {.name = "none", .durations = {}}};
  const Trace trace = measured.trace(queues, 1s);
  ASSERT_EQ(trace.arrivals.size(), 4u);
  EXPECT_EQ(trace.arrivals[0].service_time, 10ms);
  EXPECT_EQ(trace.arrivals[1].service_time, 20ms);
  EXPECT_EQ(trace.arrivals[2].service_time, 15ms);
  EXPECT_EQ(trace.arrivals[3].service_time, 15ms);  // nothing of its queue finished: as those of the other
}

MappingSettings mapping_of(std::uint32_t queue, std::uint32_t function) {
  MappingSettings mapping;
  mapping.queue = QueueId(queue);
  mapping.function = FunctionId(function);
  return mapping;
}

Event arrival_of(std::uint64_t message, std::uint32_t queue) {
  MessageArrived arrived;
  arrived.message.id = MessageId(message);
  arrived.message.queue = QueueId(queue);
  return arrived;
}

TEST(MeasuredRun, queues_are_named_by_their_place_in_the_trace) {
  MeasuredRun measured;
  Configuration configuration;
  configuration.functions.resize(2);
  configuration.functions[0].id = FunctionId(3);
  configuration.functions[1].id = FunctionId(4);
  configuration.functions[1].timeout = 5s;
  configuration.mappings = {mapping_of(7, 4), mapping_of(8, 3), mapping_of(9, 3)};
  measured.observe({time_point_us(0), ConfigurationChanged{configuration}}, {});
  measured.begin(time_point_us(10), {QueueId(8), QueueId(7)});
  measured.observe({time_point_us(30), arrival_of(1, 7)}, {});
  measured.observe({time_point_us(40), arrival_of(2, 9)}, {});

  const Trace trace = measured.trace({{.name = "a", .durations = {}}, {.name = "b", .durations = {}}}, 1s);
  ASSERT_EQ(trace.arrivals.size(), 1u);
  EXPECT_EQ(trace.arrivals[0].queue, 1u);
  EXPECT_EQ(trace.arrivals[0].at, 20us);
  EXPECT_LT(trace.arrivals[0].service_time, 0s);  // it never ran
  const Configuration renamed = measured.world({}).configuration;
  ASSERT_EQ(renamed.mappings.size(), 2u);
  EXPECT_EQ(renamed.mappings[0].queue, QueueId(1));
  EXPECT_EQ(renamed.functions[1].id, FunctionId(2));
  EXPECT_EQ(renamed.functions[1].timeout, 5s);
}

}  // namespace
}  // namespace forewarm
