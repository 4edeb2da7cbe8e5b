#include "edge/observe/otlp/otlp_json.h"

#include <algorithm>
#include <boost/json.hpp>
#include <cmath>

#include "edge/observe/json_writer.h"

namespace forewarm {
namespace {

constexpr int kCumulative = 2;   // AGGREGATION_TEMPORALITY_CUMULATIVE
constexpr int kStatusError = 2;  // STATUS_CODE_ERROR
constexpr std::string_view kScope = "forewarm";

std::string nanoseconds(TimePoint at) {
  return std::to_string(std::max<std::int64_t>(count_us(at), 0)) + "000";
}

void write_value(JsonWriter& json, const TelemetryValue& value) {
  json.key("value").open_object();
  if (const auto* text = std::get_if<std::string>(&value))
    json.member("stringValue", *text);
  else if (const auto* number = std::get_if<std::int64_t>(&value))
    json.member("intValue", std::to_string(*number));
  else if (const auto* real = std::get_if<double>(&value))
    json.member("doubleValue", *real);
  else
    json.member("boolValue", std::get<bool>(value));
  json.close_object();
}

void write_attributes(JsonWriter& json, const TelemetryAttributes& attributes) {
  json.key("attributes").open_array();
  for (const auto& [key, value] : attributes) {
    json.open_object().member("key", key);
    write_value(json, value);
    json.close_object();
  }
  json.close_array();
}

/// Opens what is around spans or metrics; write_end() closes it.
void write_begin(JsonWriter& json, const TelemetryResource& resource, const char* by_resource,
                 const char* by_scope, const char* items) {
  json.open_object().key(by_resource).open_array().open_object();
  json.key("resource").open_object();
  write_attributes(json, resource.attributes);
  json.close_object();
  json.key(by_scope).open_array().open_object();
  json.key("scope").open_object().member("name", kScope).member("version", resource.version).close_object();
  json.key(items).open_array();
}

void write_end(JsonWriter& json) {
  json.close_array().close_object().close_array().close_object().close_array().close_object();
}

void write_span(JsonWriter& json, const TraceSpan& span) {
  json.open_object().member("traceId", hex(span.trace)).member("spanId", hex_span(span.id));
  if (span.parent != 0) json.member("parentSpanId", hex_span(span.parent));
  if (!span.state.empty()) json.member("traceState", span.state);
  json.member("name", span.name)
      .member("kind", static_cast<int>(span.kind))
      .member("startTimeUnixNano", nanoseconds(span.start))
      .member("endTimeUnixNano", nanoseconds(span.end));
  write_attributes(json, span.attributes);
  if (!span.moments.empty()) {
    json.key("events").open_array();
    for (const TraceSpan::Moment& moment : span.moments)
      json.open_object()
          .member("timeUnixNano", nanoseconds(moment.at))
          .member("name", moment.name)
          .close_object();
    json.close_array();
  }
  if (!span.links.empty()) {
    json.key("links").open_array();
    for (const TraceContext& link : span.links) {
      json.open_object().member("traceId", hex(link.trace)).member("spanId", hex_span(link.span));
      if (!link.state.empty()) json.member("traceState", link.state);
      json.close_object();
    }
    json.close_array();
  }
  if (!span.failure.empty())
    json.key("status")
        .open_object()
        .member("message", span.failure)
        .member("code", kStatusError)
        .close_object();
  json.close_object();
}

/// Labels, and the times that a point is of.
void write_point_head(JsonWriter& json, const MetricPoint& point, TimePoint start, TimePoint now) {
  TelemetryAttributes attributes;
  for (const auto& [name, value] : point.labels) attributes.emplace_back(name, value);
  json.open_object();
  write_attributes(json, attributes);
  json.member("startTimeUnixNano", nanoseconds(start)).member("timeUnixNano", nanoseconds(now));
}

void write_histogram_point(JsonWriter& json, const MetricPoint& point) {
  json.member("count", std::to_string(point.count)).member("sum", point.value);
  json.key("bucketCounts").open_array();
  std::uint64_t below = 0;
  for (const MetricBucket& bucket : point.buckets) {
    json.value(std::to_string(bucket.count - below));
    below = bucket.count;
  }
  json.close_array().key("explicitBounds").open_array();
  for (const MetricBucket& bucket : point.buckets)
    if (std::isfinite(bucket.most)) json.value(bucket.most);
  json.close_array();
}

void write_metric(JsonWriter& json, const MetricPoints& metric, TimePoint start, TimePoint now) {
  const bool histogram = metric.type == MetricType::Histogram, counter = metric.type == MetricType::Counter;
  json.open_object()
      .member("name", metric.name)
      .member("description", metric.help)
      .member("unit", unit_of_metric(metric.name));
  json.key(histogram ? "histogram" : counter ? "sum" : "gauge").open_object();
  if (histogram || counter) json.member("aggregationTemporality", kCumulative);
  if (counter) json.member("isMonotonic", true);
  json.key("dataPoints").open_array();
  for (const MetricPoint& point : metric.points) {
    write_point_head(json, point, start, now);
    if (histogram)
      write_histogram_point(json, point);
    else
      json.member("asDouble", point.value);
    json.close_object();
  }
  json.close_array().close_object().close_object();
}

}  // namespace

std::string otlp_traces(std::span<const TraceSpan> spans, const TelemetryResource& resource) {
  std::string text;
  JsonWriter json(text);
  write_begin(json, resource, "resourceSpans", "scopeSpans", "spans");
  for (const TraceSpan& span : spans) write_span(json, span);
  write_end(json);
  return text;
}

std::string otlp_metrics(std::span<const MetricPoints> metrics, const TelemetryResource& resource,
                         TimePoint start, TimePoint now) {
  std::string text;
  JsonWriter json(text);
  write_begin(json, resource, "resourceMetrics", "scopeMetrics", "metrics");
  for (const MetricPoints& metric : metrics)
    if (!metric.points.empty()) write_metric(json, metric, start, now);
  write_end(json);
  return text;
}

std::string_view unit_of_metric(std::string_view name) {
  constexpr std::string_view kTotal = "_total";
  if (name.ends_with(kTotal)) name.remove_suffix(kTotal.size());
  if (name.ends_with("_seconds")) return "s";
  if (name.ends_with("_bytes")) return "By";
  return "1";
}

PartialSuccess read_partial_success(std::string_view body) {
  PartialSuccess read;
  boost::json::error_code failure;
  const boost::json::value document = boost::json::parse(body, failure);
  const boost::json::object* answer = failure ? nullptr : document.if_object();
  const boost::json::value* part = answer != nullptr ? answer->if_contains("partialSuccess") : nullptr;
  const boost::json::object* partial = part != nullptr ? part->if_object() : nullptr;
  if (partial == nullptr) return read;
  for (const char* name : {"rejectedSpans", "rejectedDataPoints"}) {
    const boost::json::value* count = partial->if_contains(name);
    if (count == nullptr) continue;
    // int64: text in protobuf's JSON, a number from who does not care.
    if (const auto* text = count->if_string()) {
      const std::string digits(text->begin(), text->end());
      const bool plain = !digits.empty() && digits.size() < 19 &&
                         std::ranges::all_of(digits, [](char c) { return c >= '0' && c <= '9'; });
      if (plain) read.rejected = std::stoull(digits);
    } else if (count->is_int64() && count->get_int64() > 0) {
      read.rejected = static_cast<std::uint64_t>(count->get_int64());
    }
  }
  if (const boost::json::value* message = partial->if_contains("errorMessage"))
    if (const auto* text = message->if_string()) read.message = std::string(text->begin(), text->end());
  return read;
}

}  // namespace forewarm
