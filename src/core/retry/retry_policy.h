#pragma once

#include <cstdint>
#include <optional>

#include "base/time.h"
#include "core/model/decision.h"
#include "core/model/settings.h"
#include "core/retry/circuit_breaker.h"
#include "core/retry/failure_odds.h"

namespace forewarm {

/// What is known when a message's run has failed.
struct RetryInputs {
  ErrorClass error = ErrorClass::Handler;
  std::uint16_t attempt = 1;       ///< the one that failed; capacity problems are not counted
  std::uint16_t attempts_max = 5;  ///< maxReceiveCount of the queue's redrive policy, else RetrySettings
  bool has_dead_letter_queue = false;
  OutcomeCounts function;       ///< recent outcomes of the function as a whole
  OutcomeCounts tenant;         ///< of this tenant on it
  OutcomeCounts after_error;    ///< of attempts that followed the same error
  double load = 0;              ///< busy share of the function's instances, 0..1
  bool other_instance = false;  ///< another instance is or will be there
  std::uint64_t seed = 0;       ///< for jitter: the message's id and attempt
  std::uint64_t fingerprint = 0;
  BreakerView breaker = {};                ///< of what it failed with
  std::optional<FailureOdds> learnt = {};  ///< in place of the hierarchical estimate
};

/// The hierarchical estimate, with what a busy machine or the same instance adds to a run at once. Counts
/// that are negative or not finite count as none. `now` is never below `later`; both are in [0, 1].
FailureOdds failure_odds(const RetryInputs& inputs);

/// A breaker is open for what the message failed with: it waits till the predicted recovery and is let go by
/// the breaker and not by time alone. Where the breaker says so the attempt is not counted; where it does not
/// and attempts are used up there is nothing to wait for.
bool waits_for_breaker(const RetryInputs& inputs);

/// Exponential backoff; the nearer `odds` to certain, the further the attempts left are spread towards
/// `backoff_max`, to outlast an outage. Jitter comes from the seed and only shortens.
Duration backoff(const RetryInputs& inputs, const RetrySettings& settings, double odds);

/// What costs least, in attempts: another instance at once, later, or the dead-letter queue. A doomed attempt
/// costs one, ten seconds of waiting one, a message that would have succeeded and is dead-lettered
/// 1 / (1 - dead_letter_odds). Bounded by rules that no odds overrule:
/// - Capacity: again as soon as possible, no attempt counted, never dead-lettered.
/// - A breaker is open for it: later; what it knows to be down is never dead-lettered and costs no attempt.
/// - Attempts used up: dead-letter queue, or parked with the longest backoff where there is none.
/// - Early only on enough evidence, if the function works for other messages and the error is not too young
/// to
///   be an outage. A failure that its breaker calls permanent is: but for one in sixteen, which finds out
///   when it no longer is.
/// - At once only after the first failure, on another instance, if success is clearly the likelier outcome.
RetryDecision decide_retry(const RetryInputs& inputs, const RetrySettings& settings);

}  // namespace forewarm
