#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "edge/cloud/metrics/metric_source.h"

namespace forewarm {

struct MonitoredSubscription {
  std::string project;
  std::string subscription;
  std::string topic{};  ///< of the same project; empty: nobody counts what arrives
};
/// Whether it can be a project, a subscription or a topic: nothing that a filter or a path would read
/// otherwise.
bool is_google_name(std::string_view name);

/// The metrics of a Pub/Sub subscription in Cloud Monitoring (Google Cloud metrics list; Cloud Monitoring API
/// v3, projects.timeSeries.list), by the minute. What consumers hold is undelivered too, so that those in
/// flight are among those that wait. What arrives are the messages sent to the topic. They are kept for six
/// weeks.
std::unique_ptr<MetricSource> make_cloud_monitoring_metrics(ServiceAccess access,
                                                            MonitoredSubscription subscription);

/// The paths and queries of the questions for a range, each with the field that its answer is for: a question
/// is for one metric.
struct MonitoringQuestion {
  std::string path;
  MetricPeriods::Field field;
};
std::vector<MonitoringQuestion> monitoring_questions(const MonitoredSubscription& subscription,
                                                     const MetricRange& range);
/// Adds what the page says to `periods`. The token of the next page; empty: it is the last. Corrupt for what
/// is no such answer; Exhausted for one that Google says is incomplete.
Result<std::string> read_time_series(std::string_view text, MetricPeriods::Field field,
                                     MetricPeriods& periods);

}  // namespace forewarm
