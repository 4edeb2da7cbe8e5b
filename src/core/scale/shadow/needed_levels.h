#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/time.h"

namespace forewarm {

/// How many instances messages need, and when, whatever there really is: a pool without a start time that
/// wakes an instance only if those at work would start a message later than within the slack. What a real
/// pool has above that is used only because it is there.
///
/// The k-th instance of this pool is "level k" (from 0). A level is needed when a message wakes it, and its
/// gap is how long it had been idle then: what is kept of one level does not change when another is needed,
/// so that keeping instances falls apart into one question a level.
class NeededLevels {
 public:
  /// `instance_capacity`: messages that one instance works on at a time, at least 1. Above `levels_max`
  /// instances messages queue.
  NeededLevels(std::uint32_t instance_capacity, std::uint32_t levels_max);

  struct Need {
    std::uint32_t level = 0;
    Duration gap = Duration(0);  ///< how long the level was idle before; 0: it was at work
    bool first = false;          ///< never needed before
  };
  /// A message may start from `at` on, must within `slack`, and takes `service`. Those at work take it where
  /// the wait is shortest; if that is too long the lowest idle level does. Times never go back.
  /// O(log levels).
  Need arrive(TimePoint at, Duration slack, Duration service);

  /// Levels that were ever needed.
  std::uint32_t count() const { return static_cast<std::uint32_t>(idle_from_.size()); }
  /// When a level is done with all that it was given; later than now while it works.
  TimePoint idle_from(std::uint32_t level) const { return idle_from_[level]; }
  /// As many levels, none at work, each idle since then.
  void restore(std::vector<TimePoint> idle_from);

 private:
  struct Working {
    TimePoint free_at;
    std::size_t slot = 0;
  };
  std::size_t take_slot(TimePoint at, TimePoint start_by);

  std::uint32_t capacity_;
  std::size_t slots_max_;
  std::size_t slots_ = 0;             ///< used ever
  std::vector<Working> working_;      ///< a heap, the first to be free on top
  std::vector<std::size_t> idle_;     ///< a heap, the lowest on top
  std::vector<TimePoint> free_at_;    ///< by slot
  std::vector<TimePoint> idle_from_;  ///< by level
};

}  // namespace forewarm
