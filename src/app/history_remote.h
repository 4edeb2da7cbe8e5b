#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "app/history_import.h"
#include "edge/net/aws_signature.h"

namespace forewarm {

using Progress01 = std::function<void(double)>;

struct PrometheusImport {
  std::string url;              ///< of Prometheus, or of what speaks its HTTP API
  std::string query;            ///< whose value at a time is what came in the step before it
  std::string label = "queue";  ///< that names the queue
  std::string as{};             ///< what the one series is called here, instead of by a label
  std::string bearer_token{};
  TimePoint from;
  TimePoint to;
  Duration step = 1min;
  bool rate = false;    ///< values are per second, not per step
  bool signal = false;  ///< values are a signal's, not arrivals
  FetchOptions fetch{};
};
/// Asks in pieces of at most 10,000 steps. Where the query has no value is a gap.
Result<std::vector<ImportedSeries>> fetch_prometheus(const PrometheusImport& request,
                                                     const Progress01& progress);

struct CloudWatchImport {
  std::vector<std::string> queues;  ///< SQS queues by name: NumberOfMessagesSent and SentMessageSize
  std::string region;
  std::string endpoint{};  ///< empty: the region's own
  AwsCredentials credentials{};
  TimePoint from;
  TimePoint to;
  TimePoint now;
  Duration step{0};  ///< zero: the finest that is kept of each time (1 min, 5 min, 1 h)
};
Result<std::vector<ImportedSeries>> fetch_cloudwatch(const CloudWatchImport& request,
                                                     const Progress01& progress);

}  // namespace forewarm
