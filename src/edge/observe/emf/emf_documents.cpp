#include "edge/observe/emf/emf_documents.h"

#include <algorithm>
#include <cmath>

#include "base/check.h"
#include "edge/observe/json_writer.h"

namespace forewarm {
namespace {

std::string_view emf_unit(std::string_view name, bool counted) {
  constexpr std::string_view kTotal = "_total";
  if (name.ends_with(kTotal)) name.remove_suffix(kTotal.size());
  if (name.ends_with("_seconds")) return "Seconds";
  if (name.ends_with("_bytes")) return "Bytes";
  const bool things =
      name.ends_with("_messages") || name.ends_with("_instances") || name.ends_with("_descriptors");
  return counted || things ? "Count" : "None";
}

}  // namespace

std::vector<std::string> EmfDocuments::lines(TimePoint now, std::span<const MetricPoints> metrics) {
  Documents documents;
  for (const MetricPoints& metric : metrics)
    for (const MetricPoint& point : metric.points) add(documents, metric, point);
  std::vector<std::string> lines;
  for (const auto& [labels, values] : documents) {
    std::span<const Value> left = values;
    while (!left.empty()) {
      const std::size_t part = std::min(left.size(), kEmfMetricsMax);
      lines.push_back(document(now, labels, left.first(part)));
      left = left.subspan(part);
    }
  }
  return lines;
}

void EmfDocuments::add(Documents& to, const MetricPoints& metric, const MetricPoint& point) {
  Labels labels = options_.dimensions;
  labels.insert(labels.end(), point.labels.begin(), point.labels.end());
  const auto grew = [&](const std::string& name, double total, std::string_view unit) {
    const double more = growth(name, labels, total);
    if (more > 0) to[labels].push_back({name, unit, more});
  };
  switch (metric.type) {
    case MetricType::Gauge:
      if (std::isfinite(point.value))
        to[labels].push_back({metric.name, emf_unit(metric.name, false), point.value});
      break;
    case MetricType::Counter:
      grew(metric.name, point.value, emf_unit(metric.name, true));
      break;
    case MetricType::Histogram:
      grew(metric.name + "_count", static_cast<double>(point.count), "Count");
      grew(metric.name + "_sum", point.value, emf_unit(metric.name, false));
      break;
  }
}

/// One that falls has begun anew.
double EmfDocuments::growth(const std::string& name, const Labels& labels, double total) {
  double& before = totals_[{name, labels}];
  const double more = total >= before ? total - before : total;
  before = total;
  return more;
}

std::string EmfDocuments::document(TimePoint now, const Labels& labels, std::span<const Value> values) const {
  check(labels.size() <= kEmfDimensionsMax, "the configuration leaves room for a metric's labels");
  std::string text;
  JsonWriter json(text);
  json.open_object().key("_aws").open_object().member("Timestamp", count_us(now) / 1000);
  json.key("CloudWatchMetrics").open_array().open_object().member("Namespace", options_.space);
  json.key("Dimensions").open_array().open_array();
  for (const auto& [name, value] : labels) json.value(name);
  json.close_array().close_array().key("Metrics").open_array();
  for (const Value& each : values)
    json.open_object().member("Name", each.name).member("Unit", each.unit).close_object();
  json.close_array().close_object().close_array().close_object();
  for (const auto& [name, value] : labels) json.member(name, value);
  for (const Value& each : values) json.member(each.name, each.value);
  json.close_object();
  return text;
}

}  // namespace forewarm
