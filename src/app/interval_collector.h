#pragma once

#include <functional>
#include <map>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/model/action.h"
#include "core/model/event.h"
#include "edge/functions/process_pool.h"
#include "edge/history/history_database.h"

namespace forewarm {

/// Counts what goes through the server by intervals, for the history. It looks at the stream of events and
/// not into the core, so that the core's own bookkeeping may change.
///
/// A queue is measured from its first arrival or run on, as in the core: a silent one costs nothing. The
/// interval in which the server started, and one that it does not live to see end, are not measured.
class IntervalCollector {
 public:
  using NameOf = std::function<std::string(QueueId)>;

  IntervalCollector(TimePoint now, Duration step, NameOf name_of);

  void observe(const TimedEvent& timed, const Actions& actions);
  /// What all instances use at this moment; the more often, the better the means.
  void observe(TimePoint now, const std::vector<InstanceUsage>& usage);
  /// A queue with a past: it is measured even before something comes.
  void know(QueueId queue);
  /// The intervals that have ended by `now`. After a long pause only the newest few: nobody was there to see.
  std::vector<HistoryBatch> take(TimePoint now);

 private:
  struct RunOf {
    QueueId queue;
    InstanceId instance;
    std::size_t messages = 1;
  };

  struct Samples {
    FunctionMeasures sum;  ///< the memory and the instances of all samples added up
    double count = 0;
  };

  void advance(TimePoint now);
  void finish(const RunFinished& finished);
  HistoryBatch close();

  Duration step_;
  NameOf name_of_;
  TimePoint open_start_;
  bool whole_;  ///< the open interval has been watched from its beginning
  std::map<QueueId, QueueMeasures> queues_;
  std::unordered_map<std::uint64_t, RunOf> runs_;
  std::unordered_map<std::uint64_t, std::uint64_t> run_on_;  ///< instance to its one run
  std::map<std::string, Samples> functions_;
  std::map<InstanceId, double> cpu_seconds_;  ///< of each instance at the last sample
  std::vector<HistoryBatch> closed_;
};

}  // namespace forewarm
