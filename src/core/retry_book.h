#pragma once

#include <vector>

#include "core/history/outcomes.h"
#include "core/orchestrator.h"
#include "core/queue_state.h"
#include "core/retry/failure_odds.h"
#include "core/retry/retry_policy.h"

namespace forewarm {

/// How an attempt failed; error None: it succeeded.
struct Failure {
  ErrorClass error = ErrorClass::None;
  std::uint64_t fingerprint = 0;
  bool known = false;  ///< the same run's end was told for another message already: no evidence of its own
};

/// What surrounds an attempt, beyond its function.
struct Surroundings {
  double machine_load = 0;  ///< share of the machine's instances in use, 0..1
  UpstreamLevels upstream = {};
};

/// What is known of attempts: outcomes that fade, and the odds learnt from them. Puts together what a
/// message's next attempt is predicted from, and what a decision about a failed one rests on.
class RetryBook {
 public:
  /// What is known of a message's next attempt, were it made now on this instance (none: on whichever).
  AttemptFeatures features(TimePoint now, const FunctionState& function, const MessageRecord& record,
                           InstanceId instance, const Surroundings& around) const;
  /// What became of an attempt of a message that was known as `before` when it began.
  void learn(TimePoint now, const MessageRecord& record, const AttemptFeatures& before,
             const Failure& failure);
  /// For a message that has just failed; where it would be dead-lettered is for the caller to add.
  RetryInputs inputs(TimePoint now, const QueueState& queue, const FunctionState& function,
                     const MessageRecord& record, const Surroundings& around) const;
  std::vector<double> odds(const RunRecord& run) const;
  void remember(RetryMemory& memory) const { model_.remember(memory); }
  bool restore(const RetryMemory& memory) { return model_.restore(memory); }
  RerunOdds rerun(TimePoint now, const FunctionState& function, const LastFailure& failure,
                  const Surroundings& around) const;

 private:
  NewestOutcomes newest(TimePoint now, FunctionId id, const MessageRecord& record,
                        const OutcomeCounts& after_error) const;

  Outcomes outcomes_;
  FailureOddsModel model_;
};

}  // namespace forewarm
