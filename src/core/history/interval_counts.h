#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "base/time.h"
#include "core/model/message.h"

namespace forewarm {

/// What one queue saw in one step.
struct IntervalCount {
  float arrivals = 0;
  float bytes = 0;
  float work_seconds = 0;  ///< service time of the runs that ended in it
};

/// Arrivals, bytes and work of one queue per step, the newest `capacity` steps in a ring, and arrivals per
/// priority of the current step. Steps are aligned to multiples of `step` since the epoch. The history begins
/// with the first arrival or run; nothing is allocated before it, so ten thousand silent queues cost nothing.
/// A step in which the server did not run all the time is a gap (NaN), not zero. An observation older than
/// the open step is counted in the open step.
class IntervalCounts {
 public:
  IntervalCounts(Duration step, std::size_t capacity);

  void observe_arrival(TimePoint at, std::uint32_t bytes, Priority priority);
  /// `count` of them, of which no more is known; it may be a share of one.
  void observe_arrivals(TimePoint at, double count);
  void observe_work(TimePoint at, Duration service_time);
  /// Closes all steps that end at or before `now`. Returns how many closed since it was last asked: an
  /// observation after a step's end has closed it already.
  std::size_t advance(TimePoint now);
  /// Puts in front of what was observed here what was measured before: `before` has the steps from `start`
  /// on, NaN where they are gaps. Time that it shares with what was observed here is left out, and time that
  /// neither has is a gap. `start` is a multiple of the step.
  void restore(TimePoint start, std::span<const IntervalCount> before, TimePoint now);
  /// Marks the time from the open step's start until `now` as not measured: every step that it touches is a
  /// gap.
  void mark_gap(TimePoint now);

  Duration step() const { return step_; }
  bool empty() const { return ring_.empty(); }
  std::size_t closed() const { return count_; }         ///< closed steps kept
  TimePoint open_start() const { return open_start_; }  ///< start of the step that is being filled
  const IntervalCount& open() const { return open_; }   ///< what was seen of it so far, also in a gap
  const std::array<float, kPriorityMax + 1>& open_by_priority() const { return by_priority_; }
  /// Arrivals of the last `count` closed steps or as many as there are, oldest first; NaN in gaps.
  std::vector<float> arrivals(std::size_t count) const;
  /// The closed step `age` steps ago (0: the newest; less than closed()). All NaN in a gap.
  IntervalCount closed_at(std::size_t age) const;

 private:
  /// Sums in double: a float stops counting messages at 16,777,216 and short runs long before.
  struct Sums {
    double arrivals = 0;
    double bytes = 0;
    double work_seconds = 0;
  };

  void begin_or_advance(TimePoint at);
  void close_until(TimePoint now);
  void close(const IntervalCount& count, std::size_t steps);
  TimePoint aligned(TimePoint at) const;

  Duration step_;
  std::size_t capacity_;
  TimePoint open_start_;
  Sums sums_;
  IntervalCount open_;
  bool gap_ = false;  ///< part of the open step was not measured
  std::array<float, kPriorityMax + 1> by_priority_{};
  std::vector<IntervalCount> ring_;
  std::size_t next_ = 0;   ///< ring slot of the next closed step
  std::size_t count_ = 0;  ///< closed steps in the ring
  std::size_t closed_unasked_ = 0;
};

}  // namespace forewarm
