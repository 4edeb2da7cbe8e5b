#pragma once

#include <cstdint>

#include "base/time.h"

namespace forewarm {

/// How a run or a delivery went wrong. Capacity is not the message's fault and never costs it an attempt.
enum class ErrorClass : std::uint8_t {
  None,
  Handler,   ///< the function reported an error
  Timeout,   ///< it ran longer than allowed
  Crash,     ///< its process ended during the run
  Capacity,  ///< throttled, pool full, instance lost before the run began
};
inline constexpr std::size_t kErrorClassCount = 5;

enum class RetryChoice : std::uint8_t {
  Now,         ///< again at once, on another instance
  Later,       ///< after a predicted recovery or backoff
  DeadLetter,  ///< the odds say it will fail again, or its attempts are used up
  Park,        ///< hopeless but there is no dead-letter queue: kept, with the longest backoff
};

/// What is behind a failure, as far as its breaker and its odds tell.
enum class FailureCause : std::uint8_t {
  Unknown,
  Message,   ///< it would fail whenever it is run: poison
  Outage,    ///< something that the function needs was not there
  Deploy,    ///< everything fails since a new version of the function
  Timeout,   ///< most run longer than allowed
  Capacity,  ///< throttled or no room
};
inline constexpr std::size_t kFailureCauseCount = 6;

/// What happens to a failed message, with all that decided it.
struct RetryDecision {
  RetryChoice choice = RetryChoice::Later;
  Duration delay = Duration(0);
  ErrorClass error = ErrorClass::None;
  std::uint16_t attempt = 0;  ///< the one that failed, from 1
  std::uint16_t attempts_max = 0;
  float failure_odds = 0;      ///< predicted probability that the next attempt fails too
  std::uint32_t evidence = 0;  ///< outcomes on the same key behind it
  FailureCause cause = FailureCause::Unknown;
  std::uint64_t fingerprint = 0;  ///< of what it failed with

  friend bool operator==(const RetryDecision&, const RetryDecision&) = default;
};

/// Why an instance is started or stopped.
enum class ScaleReason : std::uint8_t {
  Plan,      ///< the plan wants more: ahead of need
  Reactive,  ///< messages that wait would be late without it
  Minimum,
  Surplus,   ///< above the plan and idle for long enough
  Outdated,  ///< an older version
  Failing,   ///< too many failures in a row
  Shutdown,
  Room,     ///< on a full machine another function's start is worth more
  Slow,     ///< clearly slower than its peers at the same messages
  Variant,  ///< another variant suits the messages that come better
};

/// Why a run goes to this instance and no other.
enum class RouteReason : std::uint8_t {
  Only,      ///< no other was free
  Warmest,   ///< of equals, the one used last
  Group,     ///< it ran the message's group, or tenant, last
  Failures,  ///< the others have failed of late
  Other,     ///< the most suitable one has failed this message
  Cost,      ///< of those that do it in time, it does it with the least memory-time
  Finish,    ///< it is predicted to finish first
};

/// What one run's instance was chosen by, with what it was compared with.
struct RoutingDecision {
  RouteReason reason = RouteReason::Only;
  std::uint16_t variant = 0;
  std::uint32_t free = 1;            ///< instances that could have taken it
  std::uint32_t passed = 0;          ///< messages before it in the order, left to wait for a better instance
  std::uint32_t evidence = 0;        ///< runs behind the prediction; 0: none was needed
  Duration service = Duration(0);    ///< predicted
  Duration next_best = Duration(0);  ///< the next best free one's predicted service; 0: none
  float slowness = 1;                ///< of the instance, beside its peers

  friend bool operator==(const RoutingDecision&, const RoutingDecision&) = default;
};

/// Why a message changes queues.
enum class MoveReason : std::uint8_t { ReceiveCount, FailureOdds, AttemptsUsed, Redrive };

}  // namespace forewarm
