#include "edge/observe/metric_families.h"

namespace forewarm {
namespace {

MetricType plain_type(prometheus::MetricType type) {
  if (type == prometheus::MetricType::Counter) return MetricType::Counter;
  return type == prometheus::MetricType::Histogram ? MetricType::Histogram : MetricType::Gauge;
}

MetricPoint plain_point(const prometheus::ClientMetric& metric, MetricType type) {
  MetricPoint point;
  for (const auto& label : metric.label) point.labels.emplace_back(label.name, label.value);
  if (type == MetricType::Counter) point.value = metric.counter.value;
  if (type == MetricType::Gauge) point.value = metric.gauge.value;
  if (type != MetricType::Histogram) return point;
  point.value = metric.histogram.sample_sum;
  point.count = metric.histogram.sample_count;
  for (const auto& bucket : metric.histogram.bucket)
    point.buckets.push_back({bucket.upper_bound, bucket.cumulative_count});
  return point;
}

}  // namespace

std::vector<MetricPoints> metric_points(const std::vector<prometheus::MetricFamily>& families) {
  std::vector<MetricPoints> all;
  all.reserve(families.size());
  for (const prometheus::MetricFamily& family : families) {
    MetricPoints& to = all.emplace_back(MetricPoints{family.name, family.help, plain_type(family.type), {}});
    to.points.reserve(family.metric.size());
    for (const auto& metric : family.metric) to.points.push_back(plain_point(metric, to.type));
  }
  return all;
}

}  // namespace forewarm
