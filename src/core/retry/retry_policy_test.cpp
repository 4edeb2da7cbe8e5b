#include "core/retry/retry_policy.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "base/random.h"

namespace forewarm {
namespace {

OutcomeCounts counts(double succeeded, double failed) {
  return {.succeeded = succeeded, .failed = failed, .at = {}};
}

/// A first handler error on a function that works, with another instance at hand.
RetryInputs healthy() {
  RetryInputs inputs;
  inputs.function = counts(1000, 5);
  inputs.tenant = counts(50, 0);
  inputs.other_instance = true;
  inputs.has_dead_letter_queue = true;
  inputs.load = 0.3;
  inputs.seed = 7;
  return inputs;
}

/// A message whose error came back every time it was tried again, on a function that works.
RetryInputs poison() {
  RetryInputs inputs = healthy();
  inputs.attempt = 2;
  inputs.after_error = counts(0, 40);
  return inputs;
}

RetryInputs outage() {
  RetryInputs inputs = healthy();
  inputs.function = counts(0, 500);
  inputs.tenant = counts(0, 50);
  inputs.after_error = counts(0, 400);
  return inputs;
}

RetryInputs random_inputs(Random& random) {
  const auto some = [&] { return counts(random.exponential(50), random.exponential(50)); };
  RetryInputs inputs;
  inputs.error = static_cast<ErrorClass>(1 + random.below(kErrorClassCount - 1));
  inputs.attempt = static_cast<std::uint16_t>(1 + random.below(8));
  inputs.attempts_max = static_cast<std::uint16_t>(1 + random.below(8));
  inputs.has_dead_letter_queue = random.chance(0.5);
  inputs.function = some();
  inputs.tenant = some();
  inputs.after_error = some();
  inputs.load = random.uniform();
  inputs.other_instance = random.chance(0.5);
  inputs.seed = random.next();
  return inputs;
}

TEST(FailureOdds, AreProbabilitiesWhateverComesIn) {
  constexpr double kOdd[] = {0,
                             -1,
                             1e-300,
                             1e300,
                             std::numeric_limits<double>::infinity(),
                             0.5,
                             1e12,
                             -std::numeric_limits<double>::infinity(),
                             std::numeric_limits<double>::quiet_NaN()};
  Random random(1);
  for (int i = 0; i < 20'000; ++i) {
    RetryInputs inputs = random_inputs(random);
    for (double* value :
         {&inputs.function.succeeded, &inputs.function.failed, &inputs.tenant.succeeded,
          &inputs.tenant.failed, &inputs.after_error.succeeded, &inputs.after_error.failed, &inputs.load}) {
      if (random.chance(0.3)) *value = kOdd[random.below(std::size(kOdd))];
    }
    const FailureOdds odds = failure_odds(inputs);
    ASSERT_TRUE(odds.now >= 0 && odds.now <= 1);
    ASSERT_TRUE(odds.later >= 0 && odds.later <= 1);
    ASSERT_GE(odds.now, odds.later);
    ASSERT_TRUE(std::isfinite(odds.evidence));
    const RetryDecision decision = decide_retry(inputs, {});
    ASSERT_TRUE(decision.failure_odds >= 0 && decision.failure_odds <= 1);
    ASSERT_GE(decision.delay, Duration(0));
    ASSERT_LE(decision.delay, RetrySettings{}.backoff_max);
  }
}

TEST(FailureOdds, RiseWithEachFailureAndFallWithEachSuccess) {
  Random random(2);
  for (int i = 0; i < 5000; ++i) {
    const RetryInputs inputs = random_inputs(random);
    const FailureOdds before = failure_odds(inputs);
    for (const auto level : {&RetryInputs::function, &RetryInputs::tenant, &RetryInputs::after_error}) {
      RetryInputs worse = inputs;
      (worse.*level).failed += 1;
      EXPECT_GE(failure_odds(worse).now, before.now);
      EXPECT_GE(failure_odds(worse).later, before.later);
      RetryInputs better = inputs;
      (better.*level).succeeded += 1;
      EXPECT_LE(failure_odds(better).now, before.now);
      EXPECT_LE(failure_odds(better).later, before.later);
    }
    RetryInputs tried = inputs;
    ++tried.attempt;
    EXPECT_GE(failure_odds(tried).later, before.later);
    RetryInputs busier = inputs;
    busier.load = std::min(1.0, busier.load + 0.1);
    EXPECT_GE(failure_odds(busier).now, before.now);
    RetryInputs lonelier = inputs;
    lonelier.other_instance = false;
    EXPECT_GE(failure_odds(lonelier).now, before.now);
  }
}

TEST(FailureOdds, WithoutOutcomesOfItsOwnALevelIsWhatTheOneAboveSays) {
  RetryInputs inputs;
  inputs.other_instance = true;
  inputs.function = counts(96, 900);
  const double failing = failure_odds(inputs).now;
  EXPECT_NEAR(failing, 0.9, 0.01);
  inputs.tenant = counts(1000, 0);
  EXPECT_LT(failure_odds(inputs).now, 0.05);
  inputs.after_error = counts(0, 1000);
  EXPECT_GT(failure_odds(inputs).now, 0.99);
}

TEST(FailureOdds, ATimeoutOnABusyMachineIsLikelierToRepeatNowThanLater) {
  RetryInputs inputs = healthy();
  inputs.error = ErrorClass::Timeout;
  inputs.load = 1;
  const FailureOdds odds = failure_odds(inputs);
  EXPECT_GT(odds.now, odds.later + 0.3);
}

TEST(Retry, AFirstErrorIsTriedAgainAtOnceOnAnotherInstance) {
  const RetryDecision decision = decide_retry(healthy(), {});
  EXPECT_EQ(decision.choice, RetryChoice::Now);
  EXPECT_EQ(decision.delay, Duration(0));
  EXPECT_EQ(decision.attempt, 1);
  EXPECT_EQ(decision.attempts_max, 5);
  EXPECT_EQ(decision.error, ErrorClass::Handler);
  EXPECT_LT(decision.failure_odds, 0.1F);
}

TEST(Retry, WithoutAnotherInstanceItWaits) {
  RetryInputs inputs = healthy();
  inputs.other_instance = false;
  EXPECT_EQ(decide_retry(inputs, {}).choice, RetryChoice::Later);
}

TEST(Retry, WhatFailsAgainWaitsLongerEachTime) {
  RetrySettings settings;
  settings.attempts_max = 10;
  Duration before = Duration(0);
  for (std::uint16_t attempt = 2; attempt < 10; ++attempt) {
    RetryInputs inputs = healthy();
    inputs.attempt = attempt;
    inputs.attempts_max = 10;
    const RetryDecision decision = decide_retry(inputs, settings);
    EXPECT_EQ(decision.choice, RetryChoice::Later);
    EXPECT_GT(decision.delay, before) << attempt;
    before = decision.delay;
  }
}

TEST(Retry, JitterSpreadsMessagesAndIsTheSameForTheSameSeed) {
  RetryInputs inputs = healthy();
  inputs.attempt = 2;
  const Duration first = decide_retry(inputs, {}).delay;
  EXPECT_EQ(decide_retry(inputs, {}).delay, first);
  int different = 0;
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    inputs.seed = seed;
    different += decide_retry(inputs, {}).delay != first ? 1 : 0;
  }
  EXPECT_GE(different, 95);
}

TEST(Retry, CapacityIsTriedAgainSoonAndNeverCostsAnAttemptOrADeadLetter) {
  Random random(3);
  for (int i = 0; i < 2000; ++i) {
    RetryInputs inputs = random_inputs(random);
    inputs.error = ErrorClass::Capacity;
    inputs.attempt = 100;  // of 5
    inputs.after_error = counts(0, 1000);
    const RetryDecision decision = decide_retry(inputs, {});
    ASSERT_TRUE(decision.choice == RetryChoice::Now || decision.choice == RetryChoice::Later);
    ASSERT_LE(decision.delay, 100ms);
    ASSERT_EQ(decision.attempt, 100);
  }
  RetryInputs full = healthy();
  full.error = ErrorClass::Capacity;
  full.load = 1;
  full.other_instance = false;
  EXPECT_EQ(decide_retry(full, {}).choice, RetryChoice::Later);
  EXPECT_GT(decide_retry(full, {}).delay, Duration(0));
}

TEST(Retry, APoisonMessageIsDeadLetteredEarlyWithItsEvidence) {
  const RetryDecision decision = decide_retry(poison(), {});
  EXPECT_EQ(decision.choice, RetryChoice::DeadLetter);
  EXPECT_GE(decision.failure_odds, 0.98F);
  EXPECT_EQ(decision.evidence, 40U);
}

TEST(Retry, WithoutADeadLetterQueueItIsParkedForTheLongestBackoff) {
  RetryInputs inputs = poison();
  inputs.has_dead_letter_queue = false;
  const RetryDecision decision = decide_retry(inputs, {});
  EXPECT_EQ(decision.choice, RetryChoice::Park);
  EXPECT_EQ(decision.delay, RetrySettings{}.backoff_max);
}

TEST(Retry, LittleEvidenceNeverDeadLettersEarly) {
  RetryInputs inputs = poison();
  inputs.after_error = counts(0, 19);
  EXPECT_EQ(decide_retry(inputs, {}).choice, RetryChoice::Later);
  inputs.after_error = counts(1, 40);  // it did work once
  EXPECT_EQ(decide_retry(inputs, {}).choice, RetryChoice::Later);
}

TEST(Retry, WhereEverythingFailsNothingIsDeadLetteredEarlyAndTheAttemptsAreSpread) {
  RetryInputs inputs = outage();
  Duration together = Duration(0);
  for (std::uint16_t attempt = 1; attempt < inputs.attempts_max; ++attempt) {
    inputs.attempt = attempt;
    const RetryDecision decision = decide_retry(inputs, {});
    EXPECT_EQ(decision.choice, RetryChoice::Later) << attempt;
    EXPECT_GT(decision.delay, 10s);
    together += decision.delay;
  }
  EXPECT_GT(together, 15min);  // an outage of a quarter of an hour is outlived
}

TEST(Retry, APoisonErrorThatIsMostOfTheTrafficIsStillToldFromAnOutage) {
  RetryInputs inputs = poison();
  inputs.function = counts(100, 240);  // 60 poison messages, each failing once and then 3 times more
  inputs.after_error = counts(0, 180);
  EXPECT_EQ(decide_retry(inputs, {}).choice, RetryChoice::DeadLetter);
  inputs.function = counts(4, 240);
  EXPECT_EQ(decide_retry(inputs, {}).choice, RetryChoice::Later);
}

TEST(Retry, UsedUpAttemptsEndInTheDeadLetterQueueOrParked) {
  for (RetryInputs inputs : {healthy(), outage()}) {
    inputs.attempt = inputs.attempts_max;
    EXPECT_EQ(decide_retry(inputs, {}).choice, RetryChoice::DeadLetter);
    inputs.has_dead_letter_queue = false;
    EXPECT_EQ(decide_retry(inputs, {}).choice, RetryChoice::Park);
    inputs.attempt = std::numeric_limits<std::uint16_t>::max();
    EXPECT_EQ(decide_retry(inputs, {}).delay, RetrySettings{}.backoff_max);
  }
}

TEST(Retry, BackoffThatIsSwitchedOffMeansAtOnce) {
  RetryInputs inputs = healthy();
  inputs.attempt = 3;
  EXPECT_EQ(decide_retry(inputs, {.backoff_base = 0s, .backoff_max = 0s}).delay, Duration(0));
}

}  // namespace
}  // namespace forewarm
