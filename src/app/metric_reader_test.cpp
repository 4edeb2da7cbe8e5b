#include "app/metric_reader.h"

#include <gtest/gtest.h>

#include <deque>

#include "app/control_backfill.h"

namespace forewarm {
namespace {

constexpr TimePoint kWholeMinute(1'700'000'040s);

MetricPeriod minute_of(int number, double arrived = 5) {
  return {.start = kWholeMinute + number * 1min, .waiting = 2, .in_flight = 1, .arrived = arrived, .done = 4};
}

/// Answers as it is told and notes what it is asked.
class ToldMetrics : public MetricSource {
 public:
  struct Shared {
    std::deque<Result<std::vector<MetricPeriod>>> answers{};
    std::vector<MetricRange> asked{};
  };
  explicit ToldMetrics(Shared& shared) : shared_(shared) {}
  Result<std::vector<MetricPeriod>> read(const MetricRange& range, const std::stop_token&) override {
    shared_.asked.push_back(range);
    if (shared_.answers.empty()) return std::vector<MetricPeriod>();
    auto answer = std::move(shared_.answers.front());
    shared_.answers.pop_front();
    return answer;
  }

 private:
  Shared& shared_;
};

class MetricReaderTest : public testing::Test {
 protected:
  MetricReaderTest() {
    ControlMetrics metrics;
    metrics.kind = "cloudwatch";
    reader =
        make_metric_reader(std::make_unique<ToldMetrics>(cloud), metrics, "orders", [this] { return now; });
  }
  /// Starts of the periods that are read, in minutes after noon; or what is said instead.
  std::string read() {
    const Result<QueueReadings> readings = reader->read({});
    if (!readings) return readings.error().message;
    std::string text;
    for (const QueueReading& each : *readings)
      text += std::to_string((each.period->from - kWholeMinute) / 1min) + " ";
    return text;
  }

  ToldMetrics::Shared cloud;
  TimePoint now = kWholeMinute + 10min;
  std::unique_ptr<QueueReader> reader;
};

TEST_F(MetricReaderTest, ReadsEachPeriodOnceAndAsksNoMoreThanItHasTo) {
  cloud.answers = {std::vector{minute_of(6), minute_of(7)}, std::vector{minute_of(8)}};
  EXPECT_EQ(read(), "6 7 ");
  EXPECT_EQ(cloud.asked[0].from, kWholeMinute + 10min - 15min);
  EXPECT_EQ(cloud.asked[0].to, kWholeMinute + 10min);
  EXPECT_EQ(read(), "") << "nothing new, and nobody asked";
  EXPECT_EQ(cloud.asked.size(), 1U);
  now += 40s;
  EXPECT_EQ(read(), "8 ");
  EXPECT_EQ(cloud.asked[1].from, kWholeMinute + 8min);
}

TEST_F(MetricReaderTest, AReadingHasWhatThePeriodSays) {
  cloud.answers = {std::vector{minute_of(7)}};
  const Result<QueueReadings> readings = reader->read({});
  ASSERT_TRUE(readings);
  const QueueReading& reading = readings->at(0);
  EXPECT_EQ(reading.waiting, 2U);
  EXPECT_EQ(reading.in_flight, 1U);
  EXPECT_EQ(reading.oldest_wait, std::nullopt);
  EXPECT_EQ(*reading.period, (ReadingPeriod{kWholeMinute + 7min, kWholeMinute + 8min, 5, 4}));
}

TEST_F(MetricReaderTest, AFailureIsRepeatedUntilItIsAskedAgainALittleLaterEachTime) {
  for (int n = 0; n < 8; ++n) cloud.answers.push_back(error(ErrorCode::Exhausted, "Rate exceeded"));
  const TimePoint began = now;
  for (; now < began + 2min; now += 250ms) EXPECT_EQ(read(), "Rate exceeded");
  EXPECT_GE(cloud.asked.size(), 6U);
  EXPECT_LE(cloud.asked.size(), 8U) << "1, 2, 4, ... seconds";
  cloud.answers = {std::vector{minute_of(7), minute_of(8), minute_of(9)}};
  now += 2min;
  EXPECT_EQ(read(), "7 8 9 ") << "what nobody asked for meanwhile is there";
}

TEST_F(MetricReaderTest, NoAnswerInAnotherNumberOfMillisecondsIsNoNews) {
  cloud.answers = {error(ErrorCode::Io, "timed out after 5001 milliseconds"),
                   error(ErrorCode::Io, "timed out after 5003 milliseconds")};
  EXPECT_EQ(read(), "timed out after 5001 milliseconds");
  now += 1min;
  EXPECT_EQ(read(), "timed out after 5001 milliseconds");
}

TEST_F(MetricReaderTest, ACloudThatKnowsNothingOfTheQueueIsAFailure) {
  EXPECT_NE(read().find("CloudWatch knows nothing of the queue"), std::string::npos);
  cloud.answers = {std::vector{minute_of(9)}};
  now += 1min;
  EXPECT_EQ(read(), "9 ");
  now += 10min;
  EXPECT_NE(read().find("nothing new of the queue for longer than metrics.lag"), std::string::npos);
}

TEST(ControlBackfill, ArrivalsOfPeriodsAreCountedOrFollowFromWhatIsDone) {
  std::vector<MetricPeriod> periods = {minute_of(0, 7), minute_of(1), minute_of(2), minute_of(4)};
  for (std::size_t i = 1; i < 4; ++i) periods[i].arrived.reset();
  periods[2].waiting = 12;
  const auto series = arrivals_of_periods(periods, "orders");
  ASSERT_EQ(series.size(), 1U);
  EXPECT_EQ(series[0].name, "orders");
  ASSERT_EQ(series[0].queue.size(), 3U) << "before the last is a gap";
  EXPECT_EQ(series[0].queue[0].measures.arrivals, 7);
  EXPECT_EQ(series[0].queue[1].measures.arrivals, 4);
  EXPECT_EQ(series[0].queue[2].measures.arrivals, 14);
  EXPECT_EQ(series[0].covered.size(), 1U);
}

TEST(ControlMetricsConfig, WhatACloudLacksIsSaid) {
  ControlMetrics metrics;
  metrics.kind = "cloudwatch";
  EXPECT_EQ(check_metrics(metrics), "");
  EXPECT_EQ(cloud_metrics_of(metrics)->lag, 5min);
  metrics.lag = 2min;
  EXPECT_EQ(cloud_metrics_of(metrics)->lag, 2min);
  metrics.waiting = "sum(x)";
  EXPECT_NE(check_metrics(metrics).find("has PromQL"), std::string::npos);
  metrics = {};
  metrics.kind = "azure-monitor";
  metrics.resource = "/subscriptions/s";
  EXPECT_NE(check_metrics(metrics).find("namespaces/N, found '/subscriptions/s'"), std::string::npos);
  metrics = {};
  metrics.kind = "cloud-monitoring";
  EXPECT_NE(check_metrics(metrics).find("needs metrics.project"), std::string::npos);
  metrics.project = "p";
  metrics.topic = "projects/p/topics/t";
  EXPECT_NE(check_metrics(metrics).find("metrics.topic: expected a name"), std::string::npos);
  metrics.url = "monitoring";
  EXPECT_NE(check_metrics(metrics).find("begins with http://"), std::string::npos);
}

}  // namespace
}  // namespace forewarm
