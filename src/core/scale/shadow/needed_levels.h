#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/time.h"

namespace forewarm {

/// How many instances messages need, and when, whatever there really is: a pool without a start time in which
/// each message takes the lowest slot that is free within the slack. What a real pool has above that is used
/// only because it is there.
///
/// The k-th instance of this pool is "level k" (from 0). A level is needed when a message comes to it, and
/// its gap is how long it had been idle then: levels do not disturb each other, so that keeping instances
/// falls apart into one question a level.
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
  /// A message may start from `at` on, must within `slack`, and takes `service`. Times never go back.
  /// O(log levels).
  Need arrive(TimePoint at, Duration slack, Duration service);

  /// Levels that were ever needed.
  std::uint32_t count() const { return static_cast<std::uint32_t>(idle_from_.size()); }
  /// When a level is done with all that it was given; later than now while it works.
  TimePoint idle_from(std::uint32_t level) const { return idle_from_[level]; }

 private:
  std::size_t lowest_free(TimePoint by) const;
  std::size_t first_free() const;
  void occupy(std::size_t slot, TimePoint until);
  void grow();

  std::uint32_t capacity_;
  std::size_t slots_max_;
  std::size_t slots_ = 0;             ///< used ever
  std::vector<TimePoint> free_at_;    ///< a tree of minima: leaf i is slot i
  std::vector<TimePoint> idle_from_;  ///< by level
};

}  // namespace forewarm
