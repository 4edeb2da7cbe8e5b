#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/random.h"
#include "core/watch/watched_queue.h"
#include "edge/cloud/targets/scale_target.h"

namespace forewarm {

/// What a target is to be told now, and why.
struct TargetOrder {
  std::uint32_t instances = 0;
  std::optional<std::uint32_t> before;  ///< none: nothing is set there, or nobody knows
  PlanReason reason;

  friend bool operator==(const TargetOrder&, const TargetOrder&) = default;
};

/// When a watched queue's target is told what: between what the queue wants (WatchedQueue) and what the
/// target can do (ActuatorModel).
///
/// More is told as soon as the plan or the course of directives wants it; fewer only if both do, for as long
/// as the operator says, and never without a fresh reading of the queue and of the target. What is refused is
/// wanted still, and told again after a while that doubles. Pure: no clock, no input or output.
class ControlledQueue {
 public:
  struct Settings {
    WatchedQueue::Settings watched;
    std::uint32_t least = 0;  ///< that can be set at the target
    std::uint32_t most = UINT32_MAX;
    bool readable = true;  ///< the target says what it has
    Duration scale_down_delay = 5min;
  };
  explicit ControlledQueue(const Settings& settings);

  /// Of a target that cannot be asked: what it was told last, before a restart.
  void remember(std::uint32_t set) { set_ = set; }
  /// Of such a target: nobody knows any more.
  void forget() { set_.reset(); }
  void observe(TimePoint now, const Result<QueueReading>& reading);
  void observe_target(const Result<TargetState>& state);
  /// The plan of now, and what to tell the target; none where that is nothing.
  std::optional<TargetOrder> decide(TimePoint now);
  /// What the target is to have at times to come, beginning with `set` now, at most so many steps; none where
  /// nothing is known of the queue.
  std::optional<std::vector<PlannedLevel>> levels(TimePoint now, std::uint32_t set,
                                                  std::size_t steps_max) const;
  /// The least time between two of them, and so how exact their times are.
  Duration level_every() const;
  /// The target took it, or did not.
  void told(TimePoint now, const TargetOrder& order, bool taken);

  WatchedQueue& watched() { return watched_; }
  const WatchedQueue& watched() const { return watched_; }
  const ScalingPlan& plan() const { return plan_; }
  const std::optional<std::uint32_t>& set() const { return set_; }
  const std::optional<std::uint32_t>& most() const { return most_; }
  const std::optional<std::uint32_t>& beside() const { return beside_; }
  /// So many would be wanted if the target took more than most(); none: it takes what is wanted.
  const std::optional<std::uint32_t>& held_from() const { return held_from_; }
  bool fresh() const { return fresh_; }  ///< the last reading of the queue was one
  std::uint32_t refused_in_row() const { return refused_in_row_; }
  TimePoint try_again_at() const { return try_again_at_; }

 private:
  std::uint32_t wanted(TimePoint now);
  std::uint32_t within_limits(std::uint32_t instances, std::uint32_t most) const;
  std::uint32_t within_limits(std::uint32_t instances) const {
    return within_limits(instances, most_.value_or(UINT32_MAX));
  }
  std::optional<std::uint32_t> raised(std::uint32_t to) const;
  std::optional<std::uint32_t> lowered(TimePoint now, std::uint32_t to);

  Settings settings_;
  WatchedQueue watched_;
  ScalingPlan plan_;
  std::optional<std::uint32_t> set_;
  std::optional<std::uint32_t> most_;  ///< that the target takes as it is set up now
  std::optional<std::uint32_t> held_from_;
  std::optional<std::uint32_t> beside_;  ///< that the target has beside what is set
  bool set_known_ = false;               ///< the target has said just now what it has, or cannot be asked
  bool fresh_ = false;
  std::optional<TimePoint> changed_at_;
  std::optional<TimePoint> below_since_;  ///< fewer than set are wanted
  std::uint32_t below_most_ = 0;          ///< the most that was wanted since
  struct Starting {
    TimePoint since;
    std::uint32_t until = 0;  ///< so many are ready
  };
  std::optional<Starting> starting_;
  std::uint32_t refused_in_row_ = 0;
  TimePoint try_again_at_;
  Random random_;
};

}  // namespace forewarm
