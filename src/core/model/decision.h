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
  Room,  ///< on a full machine another function's start is worth more
};

/// Why a message changes queues.
enum class MoveReason : std::uint8_t { ReceiveCount, FailureOdds, AttemptsUsed, Redrive };

}  // namespace forewarm
