#include "core/retry/failure_prior.h"

#include <gtest/gtest.h>

#include <cmath>

#include "core/retry/breaker_view.h"
#include "core/retry/log_odds.h"

namespace forewarm {
namespace {

const TimePoint kNow(1'000'000s);

void see(Recency& newest, int times, bool failed) {
  for (int i = 0; i < times; ++i) newest.add(kNow, failed);
}

/// Of a function that has worked for long.
AttemptFeatures attempt_of_well() {
  AttemptFeatures attempt;
  attempt.prior = 0.02;
  attempt.newest.emplace();
  see(attempt.newest->first, 500, false);
  return attempt;
}

double prior_of(const AttemptFeatures& attempt) {
  return logistic(prior_log_odds(attempt));
}

TEST(FailurePrior, WithFewOutcomesItIsTheHierarchicalEstimate) {
  AttemptFeatures attempt;
  attempt.prior = 0.3;
  EXPECT_DOUBLE_EQ(prior_log_odds(attempt), log_odds(0.3));
  attempt.newest.emplace();
  see(attempt.newest->first, 1, true);
  EXPECT_NEAR(prior_of(attempt), 0.3, 0.05);
}

TEST(FailurePrior, WhatHasWorkedWorks) {
  EXPECT_LT(prior_of(attempt_of_well()), 0.02);
}

TEST(FailurePrior, ThreeFailuresInARowRaiseItAndFourSuccessesTakeItBack) {
  AttemptFeatures attempt = attempt_of_well();
  const double before = prior_of(attempt);
  see(attempt.newest->first, 3, true);
  const double after = prior_of(attempt);
  EXPECT_GT(after, 4 * before);
  see(attempt.newest->first, 4, false);
  EXPECT_LT(prior_of(attempt), after);
}

TEST(FailurePrior, ACanaryFailsUntilOneHasSucceededAndTheMoreTimePassesTheLess) {
  AttemptFeatures attempt = attempt_of_well();
  see(attempt.newest->first, 10, true);
  attempt.prior = 0.5;
  attempt.breaker = static_cast<std::uint8_t>(BreakerState::Open);
  const double at_once = prior_of(attempt);
  EXPECT_GT(at_once, 0.6);
  attempt.newest->since_outcome = 2min;
  EXPECT_LT(prior_of(attempt), at_once);
  attempt.newest->since_outcome = Duration(0);
  see(attempt.newest->first, 3, false);
  EXPECT_LT(prior_of(attempt), 0.3);
}

TEST(FailurePrior, ATenantWhoseMessagesFailBesideOthersIsLikelierToFail) {
  AttemptFeatures attempt = attempt_of_well();
  const double as_others = prior_of(attempt);
  attempt.newest->tenant = {.seen = 5, .expected = 0.5};
  EXPECT_GT(prior_of(attempt), 2 * as_others);
}

TEST(FailurePrior, WhatOthersMetAfterTheSameErrorTellsOfTheNext) {
  AttemptFeatures attempt = attempt_of_well();
  attempt.failures = 1;
  attempt.error = ErrorClass::Handler;
  attempt.prior = 0.3;
  AttemptFeatures passes = attempt;
  passes.newest->after_error = {.succeeded = 5, .failed = 0, .at = kNow};
  see(passes.newest->after, 5, false);
  passes.newest->passed = true;
  AttemptFeatures stays = attempt;
  stays.newest->after_error = {.succeeded = 0, .failed = 5, .at = kNow};
  see(stays.newest->after, 5, true);
  EXPECT_LT(prior_of(passes), 0.3);
  EXPECT_GT(prior_of(stays), 0.6);
  stays.breaker = static_cast<std::uint8_t>(BreakerState::Permanent);
  EXPECT_GT(prior_of(stays), 0.95);
}

TEST(FailurePrior, IsFiniteWhateverComesIn) {
  for (const double odd : {-1.0, 0.0, 1e300, HUGE_VAL}) {
    for (const Duration length : {Duration::min(), Duration::max()}) {
      for (const unsigned failures : {0U, 1U, 9U}) {
        AttemptFeatures attempt = attempt_of_well();
        attempt.failures = static_cast<std::uint16_t>(failures);
        attempt.prior = odd;
        attempt.since_failure = attempt.newest->since_outcome = length;
        attempt.newest->after_error = {.succeeded = 0, .failed = std::abs(odd), .at = kNow};
        attempt.breaker = 1;
        EXPECT_TRUE(prior_of(attempt) >= 0 && prior_of(attempt) <= 1);
      }
    }
  }
}

}  // namespace
}  // namespace forewarm
