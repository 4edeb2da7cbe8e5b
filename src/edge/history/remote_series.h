#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"

namespace forewarm {

/// One value of a series on another system, as it came; finite.
struct RemotePoint {
  TimePoint at;
  double value = 0;
};

/// What a Prometheus range query answered for one label set.
struct PrometheusSeries {
  std::map<std::string, std::string> labels;
  std::vector<RemotePoint> points;
};

/// The answer of Prometheus' GET /api/v1/query_range (HTTP API v1: JSON with resultType "matrix"). Samples
/// that are not finite are left out. Invalid when it is an error, which is passed on, or not such an answer.
Result<std::vector<PrometheusSeries>> parse_prometheus_range(std::string_view body);

/// What CloudWatch's GetMetricData answered for one query.
struct MetricDataResult {
  std::string id;
  std::vector<RemotePoint> points;  ///< a point's time is the start of its period
  bool complete = false;            ///< false: more comes with the next token
};
struct MetricData {
  std::vector<MetricDataResult> results;
  std::string next_token{};  ///< empty at the end
};

/// The answer of GetMetricData in the Query protocol (XML, API version 2010-08-01). Invalid when it is an
/// error, which is passed on, or not such an answer.
Result<MetricData> parse_metric_data(std::string_view body);

/// "2026-01-05T00:00:00Z", the form of CloudWatch's time stamps; false for anything else.
bool parse_utc_stamp(std::string_view text, TimePoint& at);

}  // namespace forewarm
