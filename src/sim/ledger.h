#pragma once

#include <cstdint>
#include <vector>

#include "base/id_map.h"
#include "core/model/instance.h"
#include "core/model/settings.h"
#include "sim/prices.h"
#include "sim/watcher.h"

namespace forewarm {

/// Counts of durations in buckets that are 3 % wide at most: exact counts, bounded memory, mergeable.
class DurationCounts {
 public:
  void add(Duration value);
  void add(const DurationCounts& other);
  std::uint64_t count() const { return count_; }
  Duration mean() const;
  /// The upper end of the bucket that holds the level-quantile; zero when empty.
  Duration quantile(double level) const;

 private:
  std::vector<std::uint64_t> buckets_;
  std::uint64_t count_ = 0;
  double sum_seconds_ = 0;
};

/// What one queue's messages met and what its instances cost.
struct QueueLedger {
  std::uint64_t messages = 0;
  std::uint64_t started = 0;  ///< first starts, by a run or a client
  std::uint64_t late = 0;  ///< started more than the objective after they were due, or due that long ago and
                           ///< never started
  std::uint64_t unstarted = 0;          ///< neither started nor deleted at the end
  std::uint64_t cold_starts = 0;        ///< messages that waited for their instance to start
  std::uint64_t starts = 0;             ///< instances
  std::uint64_t direction_changes = 0;  ///< an instance started after one ended, or ended after one started
  std::uint64_t start_failures = 0;
  std::uint64_t instances_lost = 0;
  std::uint64_t runs = 0;
  std::uint64_t requests = 0;  ///< runs that began in the time that counts
  std::uint64_t runs_failed = 0;
  std::uint64_t dead_lettered = 0;
  std::uint64_t expired = 0;
  double starting_seconds = 0;
  double idle_seconds = 0;
  double frozen_seconds = 0;
  double busy_seconds = 0;
  double instance_rounding_seconds = 0;  ///< charged for beyond the life of instances that ended
  double run_rounding_seconds = 0;       ///< charged for beyond the runs that ended
  std::uint32_t instances_peak = 0;
  DurationCounts waits;  ///< from due (sent and delay) to first start
  LevelCurve levels;     ///< of this queue; add() leaves it alone, since a sum of queues has no levels

  double instance_seconds() const { return starting_seconds + idle_seconds + frozen_seconds + busy_seconds; }
  double late_share() const {
    return messages == 0 ? 0 : static_cast<double>(late) / static_cast<double>(messages);
  }
  double busy_share() const { return instance_seconds() <= 0 ? 0 : busy_seconds / instance_seconds(); }
  void add(const QueueLedger& other);
};

/// One column of a time line.
struct TimelineBucket {
  std::uint64_t arrivals = 0;
  std::uint64_t late = 0;  ///< of those that came in this column and count, whenever they started
  double instance_seconds = 0;
  double busy_seconds = 0;

  void add(const TimelineBucket& other);
};

/// Keeps the books of a simulated run: lateness on one side, instance time on the other. It believes events
/// and actions only, never the core's own counters.
class Ledger : public Watcher {
 public:
  struct Options {
    TimePoint start;
    Duration bucket = 60s;        ///< of the time lines
    std::vector<QueueId> queues;  ///< ids; results have this order
    Configuration configuration;  ///< for each queue's objective
    /// Only messages that come in this time count, and instance time within it; the rest is for learning and
    /// for settling.
    TimePoint score_from = TimePoint::min();
    TimePoint score_until = TimePoint::max();
    /// Time lines begin at score_from and add up to the books; else they begin at the start and show all.
    bool lines_of_scored = false;
    BillingRules billing = {};  ///< for the seconds of rounding; what still lives at the end is not rounded
  };
  explicit Ledger(const Options& options);

  void observe(const TimedEvent& event, const Actions& actions) override;
  /// Closes the books; nothing may be observed after it.
  void finish(TimePoint end);

  const std::vector<QueueLedger>& queues() const { return books_; }
  QueueLedger total() const;
  const std::vector<TimelineBucket>& timeline(std::size_t queue) const { return lines_[queue]; }
  std::vector<TimelineBucket> timeline() const;
  std::uint64_t events() const { return events_; }

 private:
  struct Waiting {
    std::uint32_t queue = 0;
    TimePoint came;
    TimePoint due;
  };
  struct Instance {
    std::uint32_t queue = 0;
    InstanceState state = InstanceState::Starting;
    TimePoint ready;
    TimePoint started;
    TimePoint busy_since = {};
  };
  /// Instances of a queue by state, when they were last charged, and which way their number went last.
  struct Meter {
    InstanceCounts counts;
    TimePoint charged;
    int direction = 0;
  };

  std::uint32_t index_of(QueueId queue) const;
  TimelineBucket& bucket(std::uint32_t queue, TimePoint at);
  void charge(std::uint32_t queue, TimePoint now);
  void count_direction(std::uint32_t queue, int direction, TimePoint now);
  void count_late(const Waiting& waiting);
  void enter(Instance& instance, InstanceState state, TimePoint now);
  static std::uint32_t& count_of(InstanceCounts& counts, InstanceState state);
  void run_ended(const Instance& instance, TimePoint now);
  void first_start(const Lease& lease, TimePoint now, const Instance* instance);
  void on_event(const TimedEvent& event);
  void on_action(const Action& action, TimePoint now);

  bool scored(TimePoint at) const { return at >= score_from_ && at < score_until_; }

  Duration bucket_;
  TimePoint score_from_, score_until_;
  TimePoint lines_from_, lines_until_;
  BillingRules billing_;
  std::vector<QueueId> ids_;
  IdMap<QueueId, std::uint32_t> index_;
  std::vector<Duration> objectives_;
  std::vector<QueueLedger> books_;
  std::vector<Meter> meters_;
  std::vector<std::vector<TimelineBucket>> lines_;
  IdMap<MessageId, Waiting> waiting_;
  IdMap<InstanceId, Instance> instances_;
  IdMap<RunId, InstanceId> runs_;
  std::uint64_t events_ = 0;
  std::uint64_t newest_message_ = 0;
};

}  // namespace forewarm
