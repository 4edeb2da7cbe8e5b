#include "edge/observe/emf/emf_documents.h"

#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <limits>

namespace forewarm {
namespace {

namespace json = boost::json;

const TimePoint kNow = time_point_us(1'700'000'000'123'456);
using Pairs = std::vector<std::pair<std::string, std::string>>;

MetricPoints series(const std::string& name, MetricType type, const Pairs& labels, double value) {
  return {name, "", type, {{.labels = labels, .value = value}}};
}

TEST(EmfDocuments, WhatHasTheSameLabelsIsOneDocument) {
  EmfDocuments documents({.space = "shop", .dimensions = {{"Service", "orders-api"}}});
  const std::vector<MetricPoints> metrics = {
      series("forewarm_queue_oldest_wait_seconds", MetricType::Gauge, {{"queue", "orders"}}, 1.5),
      series("forewarm_messages_started_total", MetricType::Counter, {{"queue", "orders"}}, 7),
      series("forewarm_process_memory_bytes", MetricType::Gauge, {}, 1e9),
      series("forewarm_forecast_loss_ratio", MetricType::Gauge, {{"queue", "orders"}},
             std::numeric_limits<double>::quiet_NaN())};
  const auto lines = documents.lines(kNow, metrics);
  ASSERT_EQ(lines.size(), 2U);
  const json::value server = json::parse(lines[0]), queue = json::parse(lines[1]);
  EXPECT_EQ(server.at("forewarm_process_memory_bytes").to_number<double>(), 1e9);
  const json::value& directive = queue.at("_aws").at("CloudWatchMetrics").at(0);
  EXPECT_EQ(queue.at("_aws").at("Timestamp"), 1'700'000'000'123);
  EXPECT_EQ(directive.at("Namespace"), "shop");
  EXPECT_EQ(json::serialize(directive.at("Dimensions")), R"([["Service","queue"]])");
  EXPECT_EQ(json::serialize(directive.at("Metrics")),
            R"([{"Name":"forewarm_queue_oldest_wait_seconds","Unit":"Seconds"},)"
            R"({"Name":"forewarm_messages_started_total","Unit":"Count"}])");
  EXPECT_EQ(queue.at("queue"), "orders");
  EXPECT_EQ(queue.at("Service"), "orders-api");
  EXPECT_EQ(queue.at("forewarm_messages_started_total"), 7);
}

TEST(EmfDocuments, OfCountersItIsWhatCameSinceTheLastTime) {
  EmfDocuments documents({});
  const auto after = [&](double total) {
    const auto lines = documents.lines(
        kNow, std::vector{series("forewarm_runs_total", MetricType::Counter, {{"queue", "q"}}, total)});
    return lines.empty() ? 0.0 : json::parse(lines[0]).at("forewarm_runs_total").to_number<double>();
  };
  EXPECT_EQ(after(5), 5);
  EXPECT_EQ(after(8), 3);
  EXPECT_EQ(after(8), 0) << "nothing came: no document";
  EXPECT_EQ(after(2), 2) << "it has begun anew";
}

TEST(EmfDocuments, AHistogramIsItsCountAndItsSum) {
  EmfDocuments documents({});
  MetricPoints wait{"forewarm_message_wait_seconds", "", MetricType::Histogram, {{.value = 2.5, .count = 6}}};
  const json::value document = json::parse(documents.lines(kNow, std::vector{wait}).at(0));
  EXPECT_EQ(document.at("forewarm_message_wait_seconds_count"), 6);
  EXPECT_EQ(document.at("forewarm_message_wait_seconds_sum"), 2.5);
}

TEST(EmfDocuments, NoDocumentHasMoreThanAHundredMetrics) {
  EmfDocuments documents({});
  std::vector<MetricPoints> metrics;
  for (int i = 0; i < 250; ++i) metrics.push_back(series("m" + std::to_string(i), MetricType::Gauge, {}, i));
  const auto lines = documents.lines(kNow, metrics);
  ASSERT_EQ(lines.size(), 3U);
  EXPECT_EQ(json::parse(lines[2]).at("_aws").at("CloudWatchMetrics").at(0).at("Metrics").as_array().size(),
            50U);
}

}  // namespace
}  // namespace forewarm
