#include "app/interval_collector.h"

#include <gtest/gtest.h>

namespace forewarm {
namespace {

constexpr TimePoint kStart = time_point_us(1'000'000'000'000'000);  // a multiple of ten seconds

TimePoint after(double s) {
  return kStart + from_seconds(s);
}

Message message(std::uint32_t queue, std::uint32_t bytes, Priority priority = kPriorityDefault) {
  Message it;
  it.queue = QueueId(queue);
  it.bytes = bytes;
  it.priority = priority;
  return it;
}

class Collecting : public testing::Test {
 protected:
  void arrive(double at, std::uint32_t queue, std::uint32_t bytes = 10, Priority priority = 4,
              Origin origin = Origin::Sent) {
    collector_.observe(TimedEvent{after(at), MessageArrived{message(queue, bytes, priority), origin}}, {});
  }
  void begin(double at, std::uint64_t run, std::uint64_t instance, std::size_t messages = 1) {
    forewarm::Run action;
    action.run = RunId(run);
    action.instance = InstanceId(instance);
    action.queue = QueueId(1);
    action.leases.resize(messages);
    collector_.observe(TimedEvent{after(at), TimePassed{}}, {action});
  }
  void finish(double at, std::uint64_t run, Duration service_time) {
    collector_.observe(
        {after(at), RunFinished{.run = RunId(run), .service_time = service_time, .failed = {}}}, {});
  }

  IntervalCollector collector_{kStart, 10s, [](QueueId id) { return "queue-" + std::to_string(id.value()); }};
};

TEST_F(Collecting, CountsArrivalsBytesAndPrioritiesByInterval) {
  arrive(1, 1, 100);
  arrive(2, 1, 50, 9);
  arrive(3, 2);
  arrive(4, 1, 10, 4, Origin::Recovered);
  arrive(12, 1);
  const auto batches = collector_.take(after(20));
  ASSERT_EQ(batches.size(), 2U);
  EXPECT_EQ(batches[0].start, kStart);
  ASSERT_EQ(batches[0].queues.size(), 2U);
  EXPECT_EQ(batches[0].queues[0].name, "queue-1");
  EXPECT_EQ(batches[0].queues[0].measures.arrivals, 2);
  EXPECT_EQ(batches[0].queues[0].measures.bytes, 150);
  EXPECT_EQ(batches[0].queues[0].measures.by_priority[9], 1);
  EXPECT_EQ(batches[1].queues[0].measures.arrivals, 1);
  // Quiet, but measured.
  EXPECT_EQ(batches[1].queues[1].name, "queue-2");
  EXPECT_EQ(batches[1].queues[1].measures.arrivals, 0);
}

TEST_F(Collecting, CountsRunsWithTheirServiceTimes) {
  begin(0, 1, 7, 4);
  finish(2, 1, 2s);
  begin(3, 2, 7);
  collector_.observe(TimedEvent{after(4), InstanceLost{InstanceId(7), LossReason::Crashed}}, {});
  finish(5, 2, 1s);  // the loss has ended it
  finish(6, 99, 1s);
  const auto batches = collector_.take(after(10));
  ASSERT_EQ(batches.size(), 1U);
  const QueueMeasures& queue = batches[0].queues[0].measures;
  EXPECT_EQ(queue.runs, 1);
  EXPECT_EQ(queue.service_seconds, 2);
  EXPECT_GE(queue.service_times.quantile(0.5), 500ms);
  EXPECT_LE(queue.service_times.quantile(0.5), 550ms);
}

TEST_F(Collecting, MeasuresWhatFunctionsUse) {
  const auto use = [&](double at, std::vector<InstanceUsage> usage) { collector_.observe(after(at), usage); };
  use(1, {{InstanceId(1), "worker", 0.5, 100}, {InstanceId(2), "worker", 0.25, 100}});
  use(5, {{InstanceId(1), "worker", 1.5, 400}});
  use(9, {});
  use(15, {{InstanceId(3), "worker", 2, 50}});
  const auto batches = collector_.take(after(20));
  ASSERT_EQ(batches.size(), 2U);
  ASSERT_EQ(batches[0].functions.size(), 1U);
  EXPECT_EQ(batches[0].functions[0].name, "worker");
  const FunctionMeasures& first = batches[0].functions[0].measures;
  EXPECT_EQ(first.cpu_seconds, 1.75);
  EXPECT_EQ(first.memory_bytes, 200);
  EXPECT_EQ(first.memory_bytes_max, 400);
  EXPECT_EQ(first.instances, 1);
  EXPECT_EQ(batches[1].functions[0].measures.cpu_seconds, 2);
}

TEST_F(Collecting, DoesNotMeasureTheIntervalInWhichItBegan) {
  IntervalCollector late(after(3), 10s, [](QueueId) { return "queue"; });
  late.know(QueueId(1));
  EXPECT_TRUE(late.take(after(11)).empty());
  const auto batches = late.take(after(20));
  ASSERT_EQ(batches.size(), 1U);
  EXPECT_EQ(batches[0].start, after(10));
}

TEST_F(Collecting, ALongPauseIsAGap) {
  arrive(1, 1);
  const auto batches = collector_.take(after(86'405));
  EXPECT_LT(batches.size(), 12U);
  EXPECT_EQ(collector_.take(after(86'415)).size(), 0U);
  EXPECT_EQ(collector_.take(after(86'420)).size(), 1U);
}

TEST_F(Collecting, ForgetsQueuesThatAreRemoved) {
  arrive(1, 1);
  collector_.observe(TimedEvent{after(2), QueueRemoved{QueueId(1)}}, {});
  EXPECT_TRUE(collector_.take(after(30)).empty());
}

}  // namespace
}  // namespace forewarm
