#include "edge/observe/metrics.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <set>

#include "edge/observe/grafana.h"
#include "edge/observe/metric_table.h"
#include "edge/observe/names_fixture.h"

namespace forewarm {
namespace {

class MetricsTest : public testing::Test {
 protected:
  void tell(Event event, Actions actions = {}) { metrics.observe({now, std::move(event)}, actions); }

  void arrive(std::uint64_t id, Origin origin = Origin::Sent, std::uint16_t receive_count = 0) {
    Message message;
    message.id = MessageId(id);
    message.queue = kOrders;
    message.sent = message.visible_at = now;
    message.deadline = now + 500ms;
    message.bytes = 100;
    message.receive_count = receive_count;
    tell(MessageArrived{message, origin});
  }
  static forewarm::Run run_of(std::uint64_t run, std::uint64_t message, std::uint16_t receive_count = 1) {
    return {RunId(run), InstanceId(3), kShip, kOrders, {{MessageId(message), receive_count, {}}}};
  }
  static StartInstance start_of(std::uint64_t instance, ScaleReason reason) {
    StartInstance start;
    start.instance = InstanceId(instance);
    start.function = kShip;
    start.queue = kOrders;
    start.reason = reason;
    return start;
  }
  void map_queue() {
    Configuration configuration;
    configuration.functions.resize(1);
    configuration.functions[0].id = kShip;
    configuration.mappings.resize(1);
    configuration.mappings[0].queue = kOrders;
    configuration.mappings[0].function = kShip;
    tell(QueueChanged{kOrders, {}});
    tell(ConfigurationChanged{configuration});
  }
  /// The value of a series as it is written, "" where there is none.
  std::string value(const std::string& series) const {
    const std::string text = "\n" + metrics.text();
    const std::size_t at = text.find("\n" + series + " ");
    if (at == std::string::npos) return "";
    const std::size_t from = at + series.size() + 2;
    return text.substr(from, text.find('\n', from) - from);
  }

  FixedNames names;
  Metrics metrics{{.version = "1.2.3", .queues_max = 500, .waiting_max = 3}, names};
  TimePoint now = time_point_us(1'000'000'000);
};

TEST_F(MetricsTest, EverySeriesOfAKnownQueueAndFunctionIsThereFromTheStart) {
  map_queue();
  Snapshot snapshot;
  SignalSnapshot& price = snapshot.signals.emplace_back();
  price.name = "price";
  price.counts = {{"in_order", 0}};
  price.past = {{now, 1}};
  snapshot.receivers.push_back({.name = "ops"});
  snapshot.telemetry.push_back({.kind = "spans"});
  metrics.set_snapshot(snapshot);
  EXPECT_EQ(value(R"(forewarm_notifications_total{reason="refused",receiver="ops"})"), "0");
  EXPECT_EQ(value(R"(forewarm_messages_arrived_total{queue="orders",reason="redriven"})"), "0");
  EXPECT_EQ(value(R"(forewarm_runs_total{function="ship",queue="orders",reason="timeout"})"), "0");
  EXPECT_EQ(value(R"(forewarm_instance_losses_total{function="ship",reason="start_failed"})"), "0");
  EXPECT_EQ(value(R"(forewarm_queue_messages{queue="orders",state="in_flight"})"), "0");
  EXPECT_EQ(value(R"(forewarm_message_wait_seconds_count{queue="orders"})"), "0");
  EXPECT_EQ(value(R"(forewarm_build_info{version="1.2.3"})"), "1");
  const std::string text = metrics.text();
  for (const MetricDescription& metric : metric_table()) {
    EXPECT_NE(text.find("# TYPE " + std::string(metric.name) + " "), std::string::npos) << metric.name;
  }
}

TEST_F(MetricsTest, AFirstStartIsMeasuredOnceAndLateOnesAreCounted) {
  arrive(1);
  now += 250ms;
  tell(TimePassed{}, {run_of(10, 1)});
  now += 5s;
  tell(TimePassed{}, {run_of(11, 1, 2)});
  arrive(2);
  now += 750ms;
  tell(TimePassed{}, {run_of(12, 2)});
  EXPECT_EQ(value(R"(forewarm_messages_started_total{queue="orders"})"), "2");
  EXPECT_EQ(value(R"(forewarm_messages_late_total{queue="orders"})"), "1");
  EXPECT_EQ(value(R"(forewarm_message_wait_seconds_bucket{queue="orders",le="0.25"})"), "1");
  EXPECT_EQ(value(R"(forewarm_message_wait_seconds_sum{queue="orders"})"), "1");
  EXPECT_EQ(value(R"(forewarm_message_lateness_seconds_sum{queue="orders"})"), "0.25");
  EXPECT_EQ(value(R"(forewarm_messages_arrived_bytes_total{queue="orders"})"), "200");
}

TEST_F(MetricsTest, WaitOfARecoveredMessageIsNotMeasured) {
  arrive(1, Origin::Recovered);
  arrive(2, Origin::Recovered, 3);
  tell(TimePassed{}, {run_of(10, 1), run_of(11, 2, 4)});
  EXPECT_EQ(value(R"(forewarm_messages_arrived_total{queue="orders",reason="recovered"})"), "2");
  EXPECT_EQ(value(R"(forewarm_messages_started_total{queue="orders"})"), "1");
  EXPECT_EQ(value(R"(forewarm_message_wait_seconds_count{queue="orders"})"), "0");
}

TEST_F(MetricsTest, WaitsBeyondTheBoundAreCountedAsUnmeasured) {
  for (std::uint64_t id = 1; id <= 5; ++id) arrive(id);
  EXPECT_EQ(value("forewarm_message_waits_unmeasured_total"), "2");
  Actions actions;
  for (std::uint64_t id = 1; id <= 5; ++id) actions.push_back(run_of(id, id));
  tell(TimePassed{}, actions);
  EXPECT_EQ(value(R"(forewarm_messages_started_total{queue="orders"})"), "5");
  EXPECT_EQ(value(R"(forewarm_message_wait_seconds_count{queue="orders"})"), "3");
}

TEST_F(MetricsTest, APurgeAndADeletionForgetWaitingMessages) {
  for (std::uint64_t id = 1; id <= 3; ++id) arrive(id);
  tell(QueuePurged{kOrders}, {Purge{kOrders, MessageId(2)}});
  tell(TimePassed{}, {Delete{MessageId(3), DeleteReason::Expired}});
  for (std::uint64_t id = 4; id <= 6; ++id) arrive(id);
  EXPECT_EQ(value("forewarm_message_waits_unmeasured_total"), "0");
  EXPECT_EQ(value(R"(forewarm_messages_deleted_total{reason="expired"})"), "1");
}

TEST_F(MetricsTest, RunsAreCountedForTheQueueAndFunctionThatTheyBelongTo) {
  map_queue();
  tell(TimePassed{}, {start_of(3, ScaleReason::Plan)});
  tell(InstanceReady{InstanceId(3), 120ms});
  tell(TimePassed{}, {run_of(10, 1)});
  const RetryDecision again{.choice = RetryChoice::Later, .delay = 4s, .error = ErrorClass::Timeout};
  tell(RunFinished{RunId(10), ErrorClass::Timeout, 0, 2s, {}}, {SetVisibility{MessageId(1), now, 1, again}});
  tell(RunFinished{RunId(10), ErrorClass::Timeout, 0, 2s, {}});
  EXPECT_EQ(value(R"(forewarm_runs_total{function="ship",queue="orders",reason="timeout"})"), "1");
  EXPECT_EQ(value(R"(forewarm_run_duration_seconds_sum{function="ship"})"), "2");
  EXPECT_EQ(value(R"(forewarm_retries_total{queue="orders",reason="later"})"), "1");
  EXPECT_EQ(value(R"(forewarm_instance_start_seconds_sum{function="ship"})"), "0.12");
  EXPECT_EQ(value(R"(forewarm_instance_starts_total{function="ship",reason="plan"})"), "1");
}

TEST_F(MetricsTest, ARunThatEndsWithItsInstanceCountsAsACrash) {
  map_queue();
  tell(TimePassed{}, {start_of(3, ScaleReason::Reactive), run_of(10, 1)});
  tell(TimePassed{}, {FreezeInstance{InstanceId(3)}});
  tell(TimePassed{}, {ThawInstance{InstanceId(3)}, StopInstance{InstanceId(3), ScaleReason::Failing}});
  tell(InstanceLost{InstanceId(3), LossReason::Crashed});
  tell(InstanceLost{InstanceId(3), LossReason::Crashed});
  EXPECT_EQ(value(R"(forewarm_runs_total{function="ship",queue="orders",reason="crash"})"), "1");
  EXPECT_EQ(value(R"(forewarm_instance_losses_total{function="ship",reason="crashed"})"), "1");
  EXPECT_EQ(value(R"(forewarm_instance_stops_total{function="ship",reason="failing"})"), "1");
  EXPECT_EQ(value(R"(forewarm_instance_thaws_total{function="ship"})"), "1");
}

TEST_F(MetricsTest, WhatIsNotTakenElsewhereIsCountedByItsReason) {
  map_queue();
  Snapshot snapshot;
  FunctionSnapshot& function = snapshot.functions.emplace_back();
  function.id = kShip;
  function.not_taken = {7, 0, 2};
  metrics.set_snapshot(snapshot);
  metrics.set_snapshot(snapshot);
  EXPECT_EQ(value(R"(forewarm_invocations_not_taken_total{function="ship",reason="throttled"})"), "7");
  EXPECT_EQ(value(R"(forewarm_invocations_not_taken_total{function="ship",reason="refused"})"), "2");
}

TEST_F(MetricsTest, TheMemoryThatIsNeededStandsBesideThatOfTheLargestVariant) {
  map_queue();
  Snapshot snapshot;
  FunctionSnapshot& function = snapshot.functions.emplace_back();
  function.id = kShip;
  function.memory_bytes = {128 << 20, 512 << 20};
  function.memory_need_bytes = 201'000'000;
  metrics.set_snapshot(snapshot);
  EXPECT_EQ(value(R"(forewarm_function_memory_declared_bytes{function="ship"})"), "536870912");
  EXPECT_EQ(value(R"(forewarm_function_memory_need_bytes{function="ship"})"), "201000000");
}

TEST_F(MetricsTest, TheNumberOfWorkersThatIsWantedCountsThoseThatNobodyHasStarted) {
  map_queue();
  Snapshot snapshot;
  FunctionSnapshot& function = snapshot.functions.emplace_back();
  function.id = kShip;
  function.instances = {.starting = 3, .idle = 1, .busy = 2, .frozen = 0, .stopping = 5};
  function.workers = {3, 4};
  metrics.set_snapshot(snapshot);
  EXPECT_EQ(value(R"(forewarm_instances_wanted{function="ship"})"), "6");
  EXPECT_EQ(value(R"(forewarm_workers{function="ship",state="used"})"), "3");
  EXPECT_EQ(value(R"(forewarm_workers{function="ship",state="unused"})"), "4");
}

TEST_F(MetricsTest, ADeliveryThatIsThereAtOnceIsOfTheQueueThatWasAsked) {
  arrive(1);
  ReceiveRequested request;
  request.receiver = ReceiverId(5);
  request.queue = kOrders;
  tell(request, {Deliver{ReceiverId(5), {{MessageId(1), 1, now + 30s}}}});
  EXPECT_EQ(value(R"(forewarm_messages_delivered_total{queue="orders"})"), "1");
  EXPECT_EQ(value(R"(forewarm_messages_started_total{queue="orders"})"), "1");
  EXPECT_EQ(metrics.text().find("queue-0"), std::string::npos);
}

TEST_F(MetricsTest, DeliveriesAreCountedForTheQueueThatWasAsked) {
  arrive(1);
  tell(ReceiveRequested{ReceiverId(5), kOrders, 10, 30s, now + 20s});
  tell(TimePassed{}, {Deliver{ReceiverId(5), {{MessageId(1), 1, now + 30s}}}});
  EXPECT_EQ(value(R"(forewarm_messages_delivered_total{queue="orders"})"), "1");
  EXPECT_EQ(value(R"(forewarm_messages_started_total{queue="orders"})"), "1");
}

TEST_F(MetricsTest, SeriesOfARemovedQueueDisappear) {
  map_queue();
  tell(QueueRemoved{kOrders});
  EXPECT_EQ(metrics.text().find("queue=\"orders\""), std::string::npos);
}

TEST_F(MetricsTest, QueuesBeyondTheBoundShareTheirSeries) {
  Metrics few({.queues_max = 1}, names);
  few.observe({now, QueueChanged{kOrders, {}}}, {});
  for (std::uint32_t id = 2; id < 5; ++id) {
    Message message;
    message.id = MessageId(id);
    message.queue = QueueId(id);
    few.observe({now, MessageArrived{message, Origin::Sent}}, {});
  }
  EXPECT_NE(few.text().find(R"x(forewarm_messages_arrived_total{queue="(other)",reason="sent"} 3)x"),
            std::string::npos);
  EXPECT_EQ(few.text().find("queue=\"mails\""), std::string::npos);
}

TEST_F(MetricsTest, GaugesAndTotalsFollowTheSnapshot) {
  map_queue();
  Snapshot snapshot;
  snapshot.queues.resize(1);
  snapshot.queues[0].id = kOrders;
  snapshot.queues[0].ready = 12;
  snapshot.queues[0].plan.instances = 4;
  snapshot.queues[0].forecast_loss_ratio = 0.5;
  snapshot.queues[0].forecast_coverage = 0.75;
  snapshot.queues[0].objective = 2s;
  snapshot.queues[0].late_share_max = 0.25;
  snapshot.queues[0].forecast = {now, 10s, ModelId::Ensemble, {1}, {2}, {3}, {4}, {5}};
  snapshot.functions.resize(1);
  snapshot.functions[0].id = kShip;
  snapshot.functions[0].instances.busy = 2;
  snapshot.store.commits = 40;
  metrics.set_snapshot(snapshot);
  metrics.set_snapshot(snapshot);
  EXPECT_EQ(value(R"(forewarm_queue_messages{queue="orders",state="ready"})"), "12");
  EXPECT_EQ(value(R"(forewarm_plan_instances{queue="orders"})"), "4");
  EXPECT_EQ(value(R"(forewarm_forecast_high_messages{queue="orders"})"), "5");
  EXPECT_EQ(value(R"(forewarm_forecast_loss_ratio{queue="orders"})"), "0.5");
  EXPECT_EQ(value(R"(forewarm_forecast_coverage_ratio{queue="orders"})"), "0.75");
  EXPECT_EQ(value(R"(forewarm_objective_seconds{queue="orders"})"), "2");
  EXPECT_EQ(value(R"(forewarm_late_share_max_ratio{queue="orders"})"), "0.25");
  EXPECT_EQ(value(R"(forewarm_instances{function="ship",state="busy"})"), "2");
  EXPECT_EQ(value("forewarm_store_commits_total"), "40");
}

TEST_F(MetricsTest, SignalsFollowTheSnapshotAndLeaveWithIt) {
  Snapshot snapshot;
  snapshot.at = now;
  SignalSnapshot& price = snapshot.signals.emplace_back();
  price.name = "price";
  price.counts = {{"in_order", 3}, {"late", 1}};
  price.readings = 4;
  metrics.set_snapshot(snapshot);
  EXPECT_EQ(value(R"(forewarm_signal_values_total{reason="late",signal="price"})"), "1");
  EXPECT_EQ(value(R"(forewarm_signal_value{signal="price"})"), "");
  price.past = {{now - 5s, 7.5}};
  snapshot.signals_unknown = 2;
  metrics.set_snapshot(snapshot);
  EXPECT_EQ(value(R"(forewarm_signal_value{signal="price"})"), "7.5");
  EXPECT_EQ(value(R"(forewarm_signal_age_seconds{signal="price"})"), "5");
  EXPECT_EQ(value("forewarm_signals_unknown_total"), "2");
  price.readings = 1;  // its settings have changed
  price.counts = {{"in_order", 1}, {"late", 0}};
  metrics.set_snapshot(snapshot);
  EXPECT_EQ(value(R"(forewarm_signal_values_total{reason="in_order",signal="price"})"), "1");
  snapshot.signals.clear();
  metrics.set_snapshot(snapshot);
  EXPECT_EQ(metrics.text().find("signal=\"price\""), std::string::npos);
}

TEST_F(MetricsTest, AReceiverThatHasChangedCountsAnewAndOneThatIsGoneTakesItsSeriesWithIt) {
  const auto value_of = [&](const char* reason) {
    return value(std::string("forewarm_notifications_total{reason=\"") + reason + "\",receiver=\"ops\"}");
  };
  Snapshot snapshot;
  snapshot.receivers = {{.name = "ops", .delivered = 5, .failed = 2}, {.name = "mail", .delivered = 1}};
  metrics.set_snapshot(snapshot);
  snapshot.receivers = {{.name = "ops", .delivered = 6, .failed = 2}};
  metrics.set_snapshot(snapshot);
  EXPECT_EQ(value_of("delivered"), "6");
  EXPECT_EQ(metrics.text().find("receiver=\"mail\""), std::string::npos);
  snapshot.receivers = {{.name = "ops", .delivered = 1}};
  metrics.set_snapshot(snapshot);
  EXPECT_EQ(value_of("delivered"), "1");
  EXPECT_EQ(value_of("failed"), "0");
}

TEST_F(MetricsTest, PointsAreTheSeriesOfThePageWithoutItsText) {
  map_queue();
  arrive(1);
  now += 250ms;
  tell(TimePassed{}, {run_of(10, 1)});
  const auto points = metrics.points([](std::string_view name) {
    return name == "forewarm_messages_started_total" || name == "forewarm_message_wait_seconds";
  });
  ASSERT_EQ(points.size(), 2U);
  EXPECT_EQ(points[0].name, "forewarm_messages_started_total");
  EXPECT_EQ(points[0].type, MetricType::Counter);
  ASSERT_EQ(points[0].points.size(), 1U);
  EXPECT_EQ(points[0].points[0].label("queue"), "orders");
  EXPECT_EQ(points[0].points[0].label("state"), "");
  EXPECT_EQ(points[0].points[0].value, 1);
  const MetricPoint& wait = points[1].points.at(0);
  EXPECT_EQ(wait.count, 1U);
  EXPECT_EQ(wait.value, 0.25);
  EXPECT_EQ(wait.buckets.back().count, 1U);
  EXPECT_TRUE(std::isinf(wait.buckets.back().most));
  EXPECT_EQ(wait.buckets.front().count, 0U);
}

TEST(MetricTable, NamesFollowTheConventionAndAreDifferent) {
  std::set<std::string_view> names;
  for (const MetricDescription& metric : metric_table()) {
    EXPECT_TRUE(names.insert(metric.name).second) << metric.name;
    EXPECT_TRUE(metric.name.starts_with("forewarm_")) << metric.name;
    EXPECT_EQ(metric.name.ends_with("_total"), metric.type == MetricType::Counter) << metric.name;
    EXPECT_TRUE(metric.help.ends_with(".")) << metric.name;
  }
}

void expect_file(const std::string& path, const std::string& wanted) {
  const std::string full = std::string(FOREWARM_SOURCE_DIR) + "/" + path;
  if (std::getenv("FOREWARM_UPDATE")) std::ofstream(full, std::ios::binary) << wanted;
  std::ifstream stream(full, std::ios::binary);
  const std::string file(std::istreambuf_iterator<char>(stream), {});
  EXPECT_EQ(file, wanted) << "run this test with FOREWARM_UPDATE=1 and commit " << path;
}

TEST(MetricTable, DocumentIsUpToDate) {
  expect_file("docs/metrics.md", metrics_document());
}

TEST(GrafanaDashboard, FileIsUpToDate) {
  expect_file("monitoring/grafana/forewarm.json", grafana_dashboard());
}

}  // namespace
}  // namespace forewarm
