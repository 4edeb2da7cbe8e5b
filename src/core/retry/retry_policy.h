#pragma once

#include <cstdint>

#include "base/time.h"
#include "core/model/decision.h"
#include "core/model/settings.h"
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
};

/// Counts that are negative or not finite count as none. `now` is never below `later`; both are in [0, 1].
FailureOdds failure_odds(const RetryInputs& inputs);

/// Again at once, later, or dead-letter:
/// - Capacity: again as soon as possible, no attempt counted, never dead-lettered.
/// - Attempts used up: dead-letter queue, or parked with the longest backoff where there is none.
/// - The same early, if `odds.later >= dead_letter_odds` on enough evidence *and* the function works for
/// other
///   messages: a bad deploy or an outage, where everything fails, is waited out instead.
/// - The first failure: at once on another instance, if success is the likelier outcome.
/// - Else later, with exponential backoff. The nearer to certain the failure, the further the attempts left
///   are spread towards `backoff_max`, to outlast an outage. Jitter comes from the seed and only shortens.
RetryDecision decide_retry(const RetryInputs& inputs, const RetrySettings& settings);

}  // namespace forewarm
