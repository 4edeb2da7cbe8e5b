#pragma once

#include <memory>
#include <string>

#include "core/model/action.h"
#include "core/model/event.h"
#include "edge/observe/metric_points.h"
#include "edge/observe/names.h"
#include "edge/observe/snapshot.h"

namespace forewarm {

/// The server's Prometheus metrics: counters and histograms driven by the core's stream, gauges by a snapshot
/// a second.
///
/// Counting what goes in and out of the core, and not what the code happens to do at its edges, makes the
/// metrics the same in serve, replay and tests, and lets one table be the whole truth about them. observe()
/// is called for every event, so each queue and function keeps pointers to its series: no label is looked up
/// and no string is built there.
///
/// All calls on one thread.
class Metrics {
 public:
  struct Options {
    std::string version = "unknown";
    std::size_t queues_max = 100;       ///< further queues share the series of "(other)"
    std::size_t waiting_max = 200'000;  ///< messages whose arrival is remembered until their first start
  };
  /// `names` must outlive this.
  Metrics(Options options, const Names& names);
  ~Metrics();

  void observe(const TimedEvent& event, const Actions& actions);
  void set_snapshot(const Snapshot& snapshot);
  void set_ready(bool ready);
  /// Everything in the Prometheus text exposition format 0.0.4.
  std::string text() const;
  /// The series of the metrics that are wanted.
  std::vector<MetricPoints> points(const MetricFilter& wanted) const;

 private:
  class Registry;
  std::unique_ptr<Registry> registry_;
};

}  // namespace forewarm
