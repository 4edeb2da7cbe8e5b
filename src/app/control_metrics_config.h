#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "app/config_fields.h"
#include "base/result.h"
#include "edge/cloud/metrics/metric_source.h"

namespace forewarm {

/// Where a queue's numbers come from. Which of the fields count depends on `kind`.
struct ControlMetrics {
  std::string kind = "prometheus";
  std::string url;
  std::string bearer_token_file;
  std::string ca_file;
  Duration timeout = 5s;
  // Prometheus: PromQL, each of one series
  std::string waiting;
  std::string in_flight;
  std::string arrived_total;
  std::string done_total;
  std::string oldest_wait;
  std::string instances_ready;
  Duration backfill = 24h * 7;
  // Of a cloud
  std::string queue_name;
  std::string region;
  std::string resource;
  std::string entity;
  std::string project;
  std::string subscription;
  std::string topic;
  Duration lag = Duration(0);
  Duration every = Duration(0);
  // Of another engine, as a [[source]]
  std::string password_file;
  std::map<std::string, std::string> options;

  friend bool operator==(const ControlMetrics&, const ControlMetrics&) = default;
};

void describe(FieldVisitor& visitor, ControlMetrics& metrics);
std::vector<std::string_view> metric_kinds();
/// What is wrong with those of a kind that there is, and what to do; empty: nothing.
std::string check_metrics(const ControlMetrics& metrics);

/// What is known of a cloud's metrics.
struct CloudMetrics {
  const char* kind;
  const char* system;  ///< what it is called
  /// How late its metrics may come. For two thirds of it a count that is not there is waited for.
  Duration lag;
  Duration every;  ///< between two questions
};
/// Of a checked kind, with what the file says of it; none where it is not a cloud's.
std::optional<CloudMetrics> cloud_metrics_of(const ControlMetrics& metrics);
/// How late they may come; 0: they are of the moment.
Duration lag_of(const ControlMetrics& metrics);
/// Of a cloud's kind: its metrics of the queue that is called so here, where the file names no other. Invalid
/// with the remedy where this machine lacks what it needs.
Result<std::unique_ptr<MetricSource>> make_metric_source(const ControlMetrics& metrics,
                                                         const std::string& queue);
/// How settled periods are found in its answers.
SettledPeriods settled_of(const ControlMetrics& metrics, bool hold);

}  // namespace forewarm
