#include "edge/observe/otlp/otlp_json.h"

#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <limits>

namespace forewarm {
namespace {

namespace json = boost::json;

const TimePoint kAt = time_point_us(1'700'000'000'123'456);

TelemetryResource resource() {
  return {.attributes = {{"service.name", std::string("forewarm")}}, .version = "1.2.3"};
}

TEST(OtlpJson, ASpanIsAsTheSpecificationHasIt) {
  TraceSpan span;
  span.trace = {0x4bf92f3577b34da6ULL, 0xa3ce929d0e0e4736ULL};
  span.id = 0xf067aa0ba902b7ULL;
  span.parent = 5;
  span.state = "a=1";
  span.name = "process \"orders\"";
  span.kind = TraceSpan::Kind::Consumer;
  span.start = kAt;
  span.end = kAt + 1us;
  span.attributes = {{"n", std::int64_t{9'007'199'254'740'993}}, {"x", 0.5}, {"yes", true}};
  span.links = {{{1, 2}, 3, true, {}}};
  span.moments = {{kAt, "visible"}};
  span.failure = "handler";
  const json::value body = json::parse(otlp_traces({&span, 1}, resource()));
  const json::value& of = body.at("resourceSpans").at(0);
  EXPECT_EQ(json::serialize(of.at("resource")),
            R"({"attributes":[{"key":"service.name","value":{"stringValue":"forewarm"}}]})");
  EXPECT_EQ(json::serialize(of.at("scopeSpans").at(0).at("scope")),
            R"({"name":"forewarm","version":"1.2.3"})");
  const json::value& written = of.at("scopeSpans").at(0).at("spans").at(0);
  EXPECT_EQ(written.at("traceId"), "4bf92f3577b34da6a3ce929d0e0e4736");
  EXPECT_EQ(written.at("spanId"), "00f067aa0ba902b7");
  EXPECT_EQ(written.at("parentSpanId"), "0000000000000005");
  EXPECT_EQ(written.at("kind"), 5);
  EXPECT_EQ(written.at("startTimeUnixNano"), "1700000000123456000");
  EXPECT_EQ(written.at("attributes").at(0).at("value").at("intValue"), "9007199254740993");
  EXPECT_EQ(written.at("links").at(0).at("spanId"), "0000000000000003");
  EXPECT_EQ(written.at("events").at(0).at("name"), "visible");
  EXPECT_EQ(written.at("status").at("code"), 2);
  span = TraceSpan{};
  span.trace = {1, 2};
  span.id = 3;
  const json::value root = json::parse(otlp_traces({&span, 1}, resource()));
  const json::object& bare =
      root.at("resourceSpans").at(0).at("scopeSpans").at(0).at("spans").at(0).as_object();
  for (const char* absent : {"parentSpanId", "traceState", "status", "links", "events"})
    EXPECT_FALSE(bare.contains(absent)) << absent;
}

TEST(OtlpJson, MetricsAreSumsGaugesAndHistograms) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  const std::vector<MetricPoints> metrics = {
      {"forewarm_runs_total", "Runs.", MetricType::Counter, {{.labels = {{"queue", "q"}}, .value = 3}}},
      {"forewarm_store_file_bytes", "Size.", MetricType::Gauge, {{.value = 0.5}}},
      {"forewarm_wait_seconds",
       "Wait.",
       MetricType::Histogram,
       {{.value = 2.5, .count = 6, .buckets = {{0.1, 1}, {1, 4}, {kInfinity, 6}}}}},
      {"forewarm_empty", "None.", MetricType::Gauge, {}}};
  const json::value body = json::parse(otlp_metrics(metrics, resource(), kAt, kAt + 1s));
  const json::array& written =
      body.at("resourceMetrics").at(0).at("scopeMetrics").at(0).at("metrics").as_array();
  ASSERT_EQ(written.size(), 3U);
  const json::value& sum = written[0].at("sum");
  EXPECT_EQ(sum.at("aggregationTemporality"), 2);
  EXPECT_EQ(sum.at("isMonotonic"), true);
  EXPECT_EQ(sum.at("dataPoints").at(0).at("asDouble"), 3);
  EXPECT_EQ(sum.at("dataPoints").at(0).at("startTimeUnixNano"), "1700000000123456000");
  EXPECT_EQ(sum.at("dataPoints").at(0).at("timeUnixNano"), "1700000001123456000");
  EXPECT_EQ(written[1].at("unit"), "By");
  EXPECT_EQ(written[1].at("gauge").at("dataPoints").at(0).at("asDouble"), 0.5);
  const json::value& point = written[2].at("histogram").at("dataPoints").at(0);
  EXPECT_EQ(json::serialize(point.at("bucketCounts")), R"(["1","3","2"])");
  EXPECT_EQ(point.at("explicitBounds").as_array().size(), 2U);
  EXPECT_EQ(point.at("count"), "6");
  EXPECT_EQ(written[2].at("unit"), "s");
}

TEST(OtlpJson, APartialSuccessIsReadHoweverItsNumberIsWritten) {
  EXPECT_EQ(read_partial_success(R"({"partialSuccess":{"rejectedSpans":"3","errorMessage":"old"}})").rejected,
            3U);
  EXPECT_EQ(read_partial_success(R"({"partialSuccess":{"rejectedDataPoints":4}})").rejected, 4U);
  EXPECT_EQ(read_partial_success(R"({"partialSuccess":{"rejectedSpans":"3","errorMessage":"old"}})").message,
            "old");
  for (const char* text :
       {"", "{}", "[]", "ok", R"({"partialSuccess":{}})", R"({"partialSuccess":null})",
        R"({"partialSuccess":{"rejectedSpans":"-3"}})", R"({"partialSuccess":{"rejectedSpans":-3}})",
        R"({"partialSuccess":{"rejectedSpans":"99999999999999999999999"}})"})
    EXPECT_EQ(read_partial_success(text).rejected, 0U) << text;
}

}  // namespace
}  // namespace forewarm
