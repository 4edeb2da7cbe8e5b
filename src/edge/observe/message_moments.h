#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/model/action.h"
#include "core/model/event.h"

namespace forewarm {

/// Something that happened to a message, or to what it may have waited for.
enum class MomentKind : std::uint8_t {
  Sent,           ///< durable; `until`: delayed to then
  Recovered,      ///< it was there when the server started
  Delivered,      ///< to a client; `until`: visible again then
  Run,            ///< begun on `instance`
  Retry,          ///< a run failed: again at `until`
  Visibility,     ///< a client changed when it is visible again: `until`
  Moved,          ///< to `queue`, for `decision` or `move_reason`
  Deleted,        ///< `delete_reason`
  Purged,         ///< with its queue's messages up to `message`
  InstanceAsked,  ///< to start
  InstanceReady,
  InstanceFree,  ///< its run ended
  Paused,        ///< `queue`
  Resumed,
};
std::string_view word(MomentKind kind);

struct Moment {
  TimePoint at;
  MomentKind kind = MomentKind::Sent;
  MoveReason move_reason = MoveReason::ReceiveCount;
  DeleteReason delete_reason = DeleteReason::Client;
  RetryChoice choice = RetryChoice::Later;
  ErrorClass error = ErrorClass::None;
  FailureCause cause = FailureCause::Unknown;
  std::uint16_t attempt = 0;  ///< or the receive count
  float failure_odds = 0;
  QueueId queue;
  FunctionId function;
  MessageId message;
  InstanceId instance;
  RunId run;
  GroupId group;
  TimePoint until;
};

/// What became of messages, read off the core's stream: the newest moments in a ring, so that a message's
/// whole time-line and what it waited for can be told while it is recent. A message that is sent, run once
/// and deleted takes three moments, and its instance two more. Nothing is kept across a restart.
class MessageMoments {
 public:
  static constexpr std::size_t kMomentsMax = 200'000;  ///< 88 bytes each

  explicit MessageMoments(std::size_t moments_max = kMomentsMax) : moments_max_(moments_max) {}

  void observe(const TimedEvent& event, const Actions& actions);

  /// Oldest first.
  std::vector<Moment> of(MessageId message) const;
  /// The runs that a message was in, as far as they are known.
  std::vector<RunId> runs_of(MessageId message) const;
  /// Why its first start came late: one of a few causes, in words. Nothing where it was not started, or at
  /// once.
  struct Lateness {
    Duration waited = Duration(0);  ///< from when it could have been started
    std::string_view cause;  ///< delay, paused, group, no_receiver, no_capacity, cold_start, breaker, unknown
    std::string text;
  };
  std::optional<Lateness> lateness(std::span<const Moment> time_line) const;
  /// Nothing older is known; none while nothing was left out.
  std::optional<TimePoint> known_since() const;

 private:
  void add(Moment moment);
  void note(TimePoint at, const Event& event);
  void note(TimePoint at, const Action& action);
  /// What was going on while a message waited from `could` to `start`.
  struct Waits {
    TimePoint paused_until, asked, instance_ready, busy_until;
    bool breaker = false;
  };
  Waits waits_of(const Moment& sent, const Moment& start, TimePoint could) const;
  void explain_wait(const Moment& sent, const Moment& start, TimePoint could, Lateness& late) const;
  bool group_was_busy(const Moment& sent, TimePoint from, TimePoint to) const;

  std::size_t moments_max_;
  std::deque<Moment> moments_;
  std::optional<TimePoint> left_out_;  ///< the newest that made room
};

/// A sentence: what happened.
std::string describe(const Moment& moment, std::string_view queue, std::string_view function);

}  // namespace forewarm
