#pragma once

#include <optional>
#include <vector>

#include "app/replay.h"
#include "base/id_map.h"
#include "edge/trace/trace.h"
#include "sim/watcher.h"

namespace forewarm {

/// Measures a run of real processes so that it can be replayed: its messages at the moments at which the core
/// learnt of them, with the time that each kept its instance busy, and how long starts, stops and fits took.
class MeasuredRun : public Watcher {
 public:
  /// Everything that happens is to be observed, so that the configuration is known; messages count from
  /// begin() on.
  void observe(const TimedEvent& event, const Actions& actions) override;
  /// `queues` in the order of the trace to be made; those of others are left out.
  void begin(TimePoint start, const std::vector<QueueId>& queues);

  /// The messages of the first `length`, with these queues' names. One that did not finish takes what its
  /// queue's others took in the mean, or what those of all queues did.
  Trace trace(const std::vector<TraceQueue>& queues, Duration length) const;
  /// The run's settings and times; queue i and its function have the id i + 1. Times that were not seen are
  /// those of `guess`.
  MeasuredWorld world(const MeasuredWorld& guess) const;

 private:
  struct Running {
    TimePoint since;
    std::vector<MessageId> messages;
  };
  struct Asked {
    QueueId queue;
    std::uint64_t serial = 0;
    TimePoint at;
  };

  void on_event(const TimedEvent& event);
  void on_action(const Action& action, TimePoint now);

  std::optional<TimePoint> start_;
  std::vector<QueueId> ids_;
  IdMap<QueueId, std::uint32_t> index_;
  Configuration configuration_;
  std::vector<TraceArrival> arrivals_;
  IdMap<MessageId, std::size_t> arrival_of_;
  IdMap<RunId, Running> running_;
  IdMap<InstanceId, std::size_t> starting_;  ///< place in starts_
  IdMap<InstanceId, TimePoint> stopping_;
  std::vector<Asked> fitting_;
  struct Start {
    QueueId queue;
    TimePoint asked;
    std::optional<Duration> took;  ///< none: it was not ready before it was gone
  };
  std::vector<Start> starts_;  ///< as they were asked for
  std::vector<Duration> accepts_, stops_, fits_;
};

}  // namespace forewarm
