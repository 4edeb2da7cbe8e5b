#include <gtest/gtest.h>

#include <algorithm>
#include <functional>

#include "edge/cloud/cloud_stamp.h"
#include "edge/cloud/metrics/azure_monitor.h"
#include "edge/cloud/metrics/cloud_monitoring.h"
#include "edge/cloud/metrics/cloudwatch.h"

namespace forewarm {
namespace {

constexpr TimePoint kMinute(1'700'000'040s);  // a whole one

TEST(MetricStamp, IsReadAsItIsWritten) {
  EXPECT_EQ(cloud_stamp(kMinute), "2023-11-14T22:14:00Z");
  EXPECT_EQ(parse_cloud_stamp("2023-11-14T22:14:00Z"), kMinute);
  EXPECT_EQ(parse_cloud_stamp("2023-11-14T22:14:00.000001Z"), kMinute);
  for (const char* wrong : {"", "Z", "2023-11-14T22:14:00", "2023-11-14 22:14:00Z", "2023-02-30T00:00:00Z",
                            "2023-11-14T24:00:00Z", "2023-11-14T22:14:00.Z", "2023-11-14T22:14:-1Z",
                            "1969-12-31T00:00:00Z", "2023-11-14T22:14:00+01:00"})
    EXPECT_EQ(parse_cloud_stamp(wrong), std::nullopt) << wrong;
}

/// A minute that says how much waits, and how much came where that is not negative.
MetricPeriod minute(int number, double arrived = 5) {
  MetricPeriod period{.start = kMinute + number * 1min, .waiting = 1};
  if (arrived >= 0) period.arrived = arrived;
  return period;
}

std::vector<int> settled(const std::vector<MetricPeriod>& periods, Duration age, bool hold = true) {
  std::vector<int> minutes;
  for (const MetricPeriod& each :
       settled_periods(periods, periods.back().end() + age, {.settle = 3min, .hold = hold})) {
    EXPECT_TRUE(each.arrived);
    minutes.push_back(static_cast<int>((each.start - kMinute) / 1min));
  }
  return minutes;
}

TEST(SettledPeriods, ACountThatIsNotThereIsWaitedForAndThenIsZero) {
  const std::vector<MetricPeriod> periods = {minute(0), minute(1), minute(2, -1)};
  EXPECT_EQ(settled(periods, 1min), (std::vector<int>{0, 1}));
  EXPECT_EQ(settled(periods, 3min), (std::vector<int>{0, 1, 2}));
  const auto last = settled_periods(periods, periods.back().end() + 3min, {.settle = 3min});
  EXPECT_EQ(last.back().arrived, 0);
}

TEST(SettledPeriods, WhatIsDoneIsNotWaitedFor) {
  std::vector<MetricPeriod> periods = {minute(0)};
  EXPECT_EQ(settled_periods(periods, periods.back().end(), {.settle = 3min}).at(0).done, 0);
  const SettledPeriods by_done{.settle = 3min, .count = &MetricPeriod::done};
  EXPECT_TRUE(settled_periods(periods, periods.back().end(), by_done).empty());
  periods[0].arrived.reset();
  periods[0].done = 4;
  EXPECT_EQ(settled_periods(periods, periods.back().end(), by_done).at(0), periods[0]);
}

TEST(SettledPeriods, ALaterCountSettlesThoseBefore) {
  EXPECT_EQ(settled({minute(0), minute(1, -1), minute(2)}, 0s), (std::vector<int>{0, 1, 2}));
}

TEST(SettledPeriods, AHoleIsWaitedForAndThenIsAGap) {
  const std::vector<MetricPeriod> periods = {minute(0), minute(2)};
  EXPECT_EQ(settled(periods, 1min), (std::vector<int>{0}));
  EXPECT_EQ(settled(periods, 1min, false), (std::vector<int>{0, 2})) << "of the past nothing is waited for";
  const SettledPeriods after{.settle = 3min, .hold = true, .next = kMinute - 1min};
  EXPECT_TRUE(settled_periods({minute(0)}, kMinute + 1min, after).empty())
      << "before the first there is one too";
  EXPECT_EQ(settled_periods({minute(0)}, kMinute + 3min, after).size(), 1U);
  EXPECT_EQ(settled(periods, 3min), (std::vector<int>{0, 2}));
}

TEST(SettledPeriods, OneThatDoesNotSayHowMuchWaitsIsNone) {
  std::vector<MetricPeriod> periods = {minute(0), minute(1), minute(2)};
  periods[1].waiting.reset();
  EXPECT_EQ(settled(periods, 1min), (std::vector<int>{0}));
  EXPECT_EQ(settled(periods, 3min), (std::vector<int>{0, 2}));
}

TEST(CloudWatch, AsksForTheMetricsOfAQueue) {
  const std::string body = get_metric_data_json(
      {.queue = "orders", .from = kMinute, .to = kMinute + 1h, .arrivals_only = true, .next_token = "t"});
  EXPECT_EQ(body, R"({"MetricDataQueries":[{"Id":"waiting","MetricStat":{"Metric":{"Namespace":"AWS/SQS",)"
                  R"("MetricName":"ApproximateNumberOfMessagesVisible","Dimensions":[{"Name":"QueueName",)"
                  R"("Value":"orders"}]},"Period":60,"Stat":"Maximum"},"ReturnData":true},{"Id":"arrived",)"
                  R"("MetricStat":{"Metric":{"Namespace":"AWS/SQS","MetricName":"NumberOfMessagesSent",)"
                  R"("Dimensions":[{"Name":"QueueName","Value":"orders"}]},"Period":60,"Stat":"Sum"},)"
                  R"("ReturnData":true}],"StartTime":1700000040,"EndTime":1700003640,)"
                  R"("ScanBy":"TimestampAscending","NextToken":"t"})");
}

TEST(CloudWatch, AsksForThePeriodsThatAreKept) {
  const auto asked = [](Duration back) {
    std::string text;
    TimePoint until = kMinute;
    auto questions = cloudwatch_questions("q", {.from = kMinute - back, .to = kMinute});
    std::ranges::sort(questions, std::greater<>(), &CloudWatchQuestion::from);
    for (const CloudWatchQuestion& each : questions) {
      EXPECT_EQ(each.to, until) << "nothing falls between";
      EXPECT_EQ(each.from.time_since_epoch() % each.period, Duration(0));
      until = each.from;
      text +=
          std::to_string((each.to - each.from) / each.period) + "x" + std::to_string(each.period / 1s) + " ";
    }
    EXPECT_LE(until, kMinute - back);
    return text;
  };
  EXPECT_EQ(asked(15min), "15x60 ");
  EXPECT_EQ(asked(24h * 7), "10080x60 ");
  EXPECT_EQ(asked(24h * 70), "174x60 20000x60 13824x300 192x3600 ");
}

TEST(CloudWatch, ReadsAPage) {
  const auto page = parse_cloudwatch_page(
      R"({"MetricDataResults":[{"Id":"arrived","Label":"x","Timestamps":[1700000040,1.7000001E9],)"
      R"("Values":[3,4.5],"StatusCode":"PartialData"},{"Id":"done"}],"NextToken":"more","Messages":[]})");
  ASSERT_TRUE(page) << page.error().message;
  EXPECT_EQ(page->next_token, "more");
  ASSERT_EQ(page->values.size(), 2U);
  EXPECT_EQ(page->values[0].at, kMinute);
  EXPECT_EQ(page->values[1].at, kMinute + 1min);
  EXPECT_EQ(page->values[1].value, 4.5);
}

TEST(CloudWatch, WhatIsNoAnswerIsNone) {
  for (const char* body :
       {"", "<html>", "[]", "{}", R"({"MetricDataResults":3})", R"({"MetricDataResults":[3]})",
        R"({"MetricDataResults":[{"Timestamps":[],"Values":[]}]})",
        R"({"MetricDataResults":[{"Id":"a","Timestamps":[1],"Values":[]}]})",
        R"({"MetricDataResults":[{"Id":"a","Timestamps":[1]}]})",
        R"({"MetricDataResults":[{"Id":"a","Timestamps":["x"],"Values":[1]}]})",
        R"({"MetricDataResults":[{"Id":"a","Timestamps":[1],"Values":[-1]}]})",
        R"({"MetricDataResults":[{"Id":"a","Timestamps":[1e300],"Values":[1]}]})"}) {
    const auto page = parse_cloudwatch_page(body);
    ASSERT_FALSE(page) << body;
    EXPECT_EQ(page.error().code, ErrorCode::Corrupt) << body;
  }
  const auto forbidden =
      parse_cloudwatch_page(R"({"MetricDataResults":[{"Id":"arrived","StatusCode":"Forbidden"}]})");
  ASSERT_FALSE(forbidden);
  EXPECT_EQ(forbidden.error().message, "GetMetricData: 'arrived' is Forbidden");
}

constexpr const char* kNamespace =
    "/subscriptions/s/resourceGroups/g/providers/Microsoft.ServiceBus/namespaces/n";

TEST(AzureMonitor, AsksForTheMetricsOfAQueue) {
  EXPECT_EQ(
      azure_metrics_path({.resource = kNamespace, .entity = "or'ders"},
                         {.from = kMinute, .to = kMinute + 1h}),
      std::string(kNamespace) +
          "/providers/Microsoft.Insights/metrics?api-version=2024-02-01&metricnames=ActiveMessages%2C"
          "IncomingMessages%2CCompleteMessage&timespan=2023-11-14T22%3A14%3A00Z%2F2023-11-14T23%3A14%3A00Z"
          "&interval=PT1M&aggregation=Total%2CMaximum&%24filter=EntityName%20eq%20%27or%27%27ders%27");
}

TEST(AzureMonitor, KnowsTheFormOfANamespace) {
  EXPECT_TRUE(is_service_bus_namespace(kNamespace));
  const std::string whole = kNamespace;
  for (const std::string& wrong : {std::string(), std::string("/"), whole + "/queues/q", whole.substr(1),
                                   whole.substr(0, whole.size() - 1), whole + "?", "/" + whole})
    EXPECT_FALSE(is_service_bus_namespace(wrong)) << wrong;
}

Result<std::vector<MetricPeriod>> read_azure(std::string_view json) {
  MetricPeriods periods;
  if (const Result<void> read = read_azure_metrics(json, periods); !read)
    return std::unexpected(read.error());
  return periods.all();
}

std::string azure_metric(const std::string& name, const std::string& data) {
  return R"({"value":[{"name":{"value":")" + name + R"("},"timeseries":[{"metadatavalues":[],"data":[)" +
         data + "]}]}]}";
}

TEST(AzureMonitor, AMinuteWithoutAValueIsUnknown) {
  const auto periods = read_azure(azure_metric(
      "ActiveMessages", R"({"timeStamp":"2023-11-14T22:14:00Z","total":9,"maximum":3.0},)"
                        R"({"timeStamp":"2023-11-14T22:15:00Z"},{"timeStamp":"2023-11-14T22:16:00Z",)"
                        R"("maximum":null}, {"timeStamp":"2023-11-14T22:17:00Z","maximum":0})"));
  ASSERT_TRUE(periods) << periods.error().message;
  ASSERT_EQ(periods->size(), 2U);
  EXPECT_EQ((*periods)[0], (MetricPeriod{.start = kMinute, .waiting = 3}));
  EXPECT_EQ((*periods)[1], (MetricPeriod{.start = kMinute + 3min, .waiting = 0}));
  EXPECT_TRUE(read_azure(R"({"value":[{"name":{"value":"IncomingMessages"},"timeseries":[]}]})")->empty());
}

TEST(AzureMonitor, WhatIsNoAnswerIsNone) {
  for (const std::string& body :
       {std::string(), std::string("<html>"), std::string("{}"), std::string(R"({"value":[1]})"),
        std::string(R"({"value":[{"timeseries":[]}]})"),
        std::string(R"({"value":[{"name":{"value":"ActiveMessages"},"timeseries":[{},{}]}]})"),
        azure_metric("ActiveMessages", "3"), azure_metric("ActiveMessages", R"({"maximum":1})"),
        azure_metric("ActiveMessages", R"({"timeStamp":"2023-11-14T22:14:00Z","maximum":-1})"),
        azure_metric("ActiveMessages", R"({"timeStamp":"2023-11-14T22:14:00Z","maximum":"x"})")}) {
    const auto periods = read_azure(body);
    ASSERT_FALSE(periods) << body;
    EXPECT_EQ(periods.error().code, ErrorCode::Corrupt) << body;
  }
  const auto failed =
      read_azure(R"({"value":[{"name":{"value":"ActiveMessages"},"errorCode":"InternalError"}]})");
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().code, ErrorCode::Exhausted);
}

TEST(CloudMonitoring, AsksForEachMetricOfASubscription) {
  const MetricRange range{.from = kMinute, .to = kMinute + 1h};
  const auto questions = monitoring_questions({.project = "p", .subscription = "s", .topic = "t"}, range);
  ASSERT_EQ(questions.size(), 4U);
  EXPECT_EQ(questions[1].path,
            "/v3/projects/p/timeSeries?filter=metric.type%20%3D%20%22pubsub.googleapis.com%2Ftopic%2F"
            "send_message_operation_count%22%20AND%20resource.type%20%3D%20%22pubsub_topic%22%20AND%20"
            "resource.labels.topic_id%20%3D%20%22t%22&interval.startTime=2023-11-14T22%3A14%3A00Z"
            "&interval.endTime=2023-11-14T23%3A14%3A00Z&aggregation.alignmentPeriod=60s"
            "&aggregation.perSeriesAligner=ALIGN_SUM&aggregation.crossSeriesReducer=REDUCE_SUM"
            "&pageSize=20000");
  const MetricRange past{.from = kMinute, .to = kMinute + 1h, .arrivals_only = true};
  EXPECT_EQ(monitoring_questions({.project = "p", .subscription = "s", .topic = "t"}, past).size(), 2U);
  const auto derived = monitoring_questions({.project = "p", .subscription = "s"}, past);
  ASSERT_EQ(derived.size(), 2U);
  EXPECT_EQ(derived[1].field, &MetricPeriod::done) << "arrivals follow from what is done";
  EXPECT_TRUE(is_google_name("my-project_1.x"));
  for (const char* wrong : {"", "a\"b", "projects/p", "a b", "a\\b"}) EXPECT_FALSE(is_google_name(wrong));
}

std::string google_point(const std::string& end, const std::string& value) {
  return R"({"timeSeries":[{"metric":{},"points":[{"interval":{"startTime":"2023-11-14T22:14:00Z","endTime":")" +
         end + R"("},"value":)" + value + R"(}]}],"nextPageToken":"more"})";
}

TEST(CloudMonitoring, APointIsOfTheMinuteThatEndsThen) {
  MetricPeriods periods;
  const auto next = read_time_series(google_point("2023-11-14T22:15:00Z", R"({"int64Value":"42"})"),
                                     &MetricPeriod::waiting, periods);
  ASSERT_TRUE(next) << next.error().message;
  EXPECT_EQ(*next, "more");
  ASSERT_TRUE(read_time_series(google_point("2023-11-14T22:15:00Z", R"({"doubleValue":1.5})"),
                               &MetricPeriod::done, periods));
  EXPECT_EQ(periods.all(), std::vector({MetricPeriod{.start = kMinute, .waiting = 42, .done = 1.5}}));
  const auto nothing = read_time_series("{}", &MetricPeriod::done, periods);
  ASSERT_TRUE(nothing);
  EXPECT_EQ(*nothing, "");
}

TEST(CloudMonitoring, WhatIsNoAnswerIsNone) {
  const std::string end = "2023-11-14T22:15:00Z";
  for (const std::string& body :
       {std::string(), std::string("<html>"), std::string("[]"), std::string(R"({"timeSeries":3})"),
        std::string(R"({"timeSeries":[{}]})"), std::string(R"({"timeSeries":[{"points":[]},{"points":[]}]})"),
        google_point("noon", R"({"int64Value":"1"})"), google_point(end, R"({"int64Value":1})"),
        google_point(end, R"({"int64Value":"-1"})"), google_point(end, R"({"int64Value":"1x"})"),
        google_point(end, R"({"boolValue":true})"), google_point(end, R"({"doubleValue":"NaN"})")}) {
    MetricPeriods periods;
    const auto read = read_time_series(body, &MetricPeriod::waiting, periods);
    ASSERT_FALSE(read) << body;
    EXPECT_EQ(read.error().code, ErrorCode::Corrupt) << body;
  }
  MetricPeriods periods;
  EXPECT_FALSE(read_time_series(R"({"executionErrors":[{"code":4}]})", &MetricPeriod::waiting, periods));
}

}  // namespace
}  // namespace forewarm
