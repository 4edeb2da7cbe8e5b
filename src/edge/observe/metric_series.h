#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "edge/observe/metric_points.h"
#include "edge/observe/metric_table.h"
#include "edge/observe/words.h"

namespace prometheus {
class Counter;
class Gauge;
class Histogram;
}  // namespace prometheus

namespace forewarm {

struct FunctionSnapshot;

using Counter = prometheus::Counter;
using Gauge = prometheus::Gauge;
using Histogram = prometheus::Histogram;

/// Pointers to the series of one queue.
struct QueueSeries {
  std::array<Counter*, kOriginCount> arrived{};
  Counter* arrived_bytes = nullptr;
  Counter* started = nullptr;
  Counter* late = nullptr;
  Counter* delivered = nullptr;
  Histogram* wait = nullptr;
  Histogram* lateness = nullptr;
  std::array<Counter*, kMoveReasonCount> moved{};
  std::array<Counter*, 3> retries{};  ///< now, later, park
  std::array<Counter*, 2> fits{};     ///< succeeded, failed
  std::array<Counter*, kConstraintCount> plans{};
  std::array<Gauge*, 3> messages{};  ///< ready, delayed, in flight
  Gauge* oldest_wait = nullptr;
  Gauge* forecast_median = nullptr;
  Gauge* forecast_high = nullptr;
  Gauge* forecast_step = nullptr;
  Gauge* forecast_loss = nullptr;
  Gauge* forecast_coverage = nullptr;
  Gauge* plan_instances = nullptr;
  Gauge* plan_floor = nullptr;
  Gauge* objective = nullptr;
  Gauge* late_share_max = nullptr;
};
/// Pointers to the series of one queue's mapping to a function.
struct RunSeries {
  std::array<Counter*, kErrorClassCount> runs{};
};
/// Pointers to the series of one function.
struct FunctionSeries {
  std::array<Counter*, kScaleReasonCount> starts{};
  std::array<Counter*, kScaleReasonCount> stops{};
  Counter* thaws = nullptr;
  std::array<Counter*, kLossReasonCount> losses{};
  std::array<Counter*, 3> not_taken{};  ///< throttled, unavailable, refused
  Gauge* memory_declared = nullptr;
  Gauge* memory_need = nullptr;
  std::array<Gauge*, 5> instances{};  ///< starting, idle, busy, frozen, stopping
  Gauge* instances_wanted = nullptr;
  std::array<Gauge*, 2> workers{};  ///< used, unused
  Histogram* start_time = nullptr;
  Histogram* run_duration = nullptr;
};
/// What a function's gauges are at one time.
void set_gauges(const FunctionSeries& series, const FunctionSnapshot& from);
/// Pointers to the series of one signal.
struct SignalSeriesSet {
  std::vector<Counter*> values;  ///< by what became of them
  Counter* readings = nullptr;
  Counter* failures = nullptr;
  Gauge* value = nullptr;  ///< null while there is none
  Gauge* age = nullptr;
};
/// Pointers to the series of one receiver of alerts.
struct NotificationSeries {
  std::array<Counter*, 3> sent{};  ///< delivered, failed, refused
};
/// Pointers to the series without labels that change.
struct ServerSeries {
  Counter* events = nullptr;
  Counter* waits_unmeasured = nullptr;
  std::array<Counter*, 3> deleted{};  ///< client, run succeeded, expired
  Gauge* ready = nullptr;
  Gauge* uptime = nullptr;
  Counter* signals_unknown = nullptr;
  Counter* cold_starts_avoided = nullptr;
  Counter* instance_seconds = nullptr;
  Counter* store_commits = nullptr;
  Counter* store_writes = nullptr;
  Counter* store_syncs = nullptr;
  Gauge* store_commit_max = nullptr;
  Gauge* store_file = nullptr;
  Gauge* store_pending = nullptr;
  Gauge* store_full = nullptr;
  Gauge* process_memory = nullptr;
  Gauge* functions_memory = nullptr;
  Counter* process_cpu = nullptr;
  Gauge* process_descriptors = nullptr;
};

/// Makes and removes the series that the metric table describes, in a prometheus-cpp registry of its own.
class MetricSeries {
 public:
  MetricSeries();
  ~MetricSeries();

  ServerSeries make_server(const std::string& version);
  QueueSeries make_queue(const std::string& name);
  RunSeries make_runs(const std::string& queue, const std::string& function);
  FunctionSeries make_function(const std::string& name);
  /// `reasons` are what may become of a value. The gauges come with the first one.
  SignalSeriesSet make_signal(const std::string& name, const std::vector<std::string>& reasons);
  NotificationSeries make_receiver(const std::string& name);
  /// Sent, rejected, dropped.
  std::array<Counter*, 3> make_telemetry(const std::string& kind);
  void add_gauges(const std::string& name, SignalSeriesSet& series);
  void remove(const QueueSeries& series);
  void remove(const RunSeries& series);
  void remove(const SignalSeriesSet& series);
  void remove(const NotificationSeries& series);
  std::string text() const;
  /// The series of the metrics that are wanted; those of others are not looked at.
  std::vector<MetricPoints> points(const MetricFilter& wanted) const;

 private:
  struct Families;
  std::unique_ptr<Families> families_;
};

}  // namespace forewarm
