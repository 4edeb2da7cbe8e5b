#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "edge/cloud/metrics/metric_source.h"

namespace forewarm {

/// The metrics of an SQS queue in CloudWatch (Amazon SQS Developer Guide, "Available CloudWatch metrics for
/// Amazon SQS"), asked for by GetMetricData of the API 2010-08-01 as JSON. They are those of minutes; older
/// than 15 days of five minutes, older than 63 days of hours. No metric is written of a queue that nobody
/// used for six hours.
std::unique_ptr<MetricSource> make_cloudwatch_metrics(ServiceAccess access, std::string queue);

/// A question for one stretch of time, of no more than 100,800 values.
struct CloudWatchQuestion {
  std::string queue;
  TimePoint from;
  TimePoint to;
  Duration period = 1min;
  bool arrivals_only = false;
  std::string next_token{};
};
/// Of the finest periods that are kept of each time.
std::vector<CloudWatchQuestion> cloudwatch_questions(const std::string& queue, const MetricRange& range);
std::string get_metric_data_json(const CloudWatchQuestion& question);

/// One page of its answer: values by the id of their query and the start of their period.
struct CloudWatchPage {
  struct Value {
    std::string id;
    TimePoint at;
    double value = 0;
  };
  std::vector<Value> values;
  std::string next_token{};  ///< empty: it is the last
};
/// Corrupt for what is no such answer; Exhausted for a metric that the service could not read.
Result<CloudWatchPage> parse_cloudwatch_page(std::string_view text);

}  // namespace forewarm
