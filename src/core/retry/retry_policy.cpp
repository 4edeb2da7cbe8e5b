#include "core/retry/retry_policy.h"

#include <algorithm>

#include "base/check.h"
#include "base/random.h"

namespace forewarm {
namespace {

constexpr double kUsualFailureShare = 0.1;  // what a function comes back to when trouble is over

// What a full machine, or having to use the same instance again, adds to the odds of a run at once.
constexpr double kLoadAddsToTimeout = 0.5;
constexpr double kLoadAddsToCrash = 0.25;
constexpr double kSameInstanceAdds = 0.1;

// A function works if it succeeds with more than half of the other messages, and with at least this many.
constexpr double kOthersSucceededMin = 5;

constexpr double kAttemptSeconds = 10;   // of waiting that a doomed attempt is worth
constexpr std::uint64_t kFindsOut = 16;  // one in so many is tried again though its failure is permanent
constexpr double kOddsForNow = 0.4;      // at once only if success is clearly the likelier outcome
constexpr double kJitter = 0.3;          // the largest share by which a delay is shortened
constexpr double kShortly = 0.1;         // of the first backoff: when capacity may be there again

/// Zero for what is negative or not a number; finite and far from overflow otherwise.
double sane(double count) {
  return count > 0 ? std::min(count, 1e12) : 0;
}

OutcomeCounts sane(const OutcomeCounts& counts) {
  return {.succeeded = sane(counts.succeeded), .failed = sane(counts.failed), .at = counts.at};
}

OutcomeLevels levels(const RetryInputs& inputs) {
  return {.function = inputs.function,
          .tenant = inputs.tenant,
          .after_error = inputs.after_error,
          .failures = std::max<std::uint16_t>(1, inputs.attempt)};
}

/// The odds if one more independent cause fails the run with this probability.
double with_cause(double odds, double probability) {
  return 1 - (1 - odds) * (1 - probability);
}

bool works_for_others(const RetryInputs& inputs) {
  const OutcomeCounts all = sane(inputs.function);
  const OutcomeCounts same = sane(inputs.after_error);
  const double succeeded = all.succeeded - same.succeeded;
  const double failed = std::max(0.0, all.failed - same.failed);
  return succeeded >= kOthersSucceededMin && succeeded > failed;
}

double doubled(double value, int times) {
  constexpr int kTimesMax = 40;  // a microsecond becomes twelve days: beyond every limit
  return value * static_cast<double>(std::uint64_t{1} << std::clamp(times, 0, kTimesMax));
}

double jitter(std::uint64_t seed) {
  return 1 - kJitter * Random(seed).uniform();
}

RetryDecision after_capacity(const RetryInputs& inputs, const RetrySettings& settings,
                             RetryDecision decision) {
  if (inputs.other_instance || inputs.load < 1) {
    decision.choice = RetryChoice::Now;
  } else {
    decision.choice = RetryChoice::Later;
    const Duration longest = std::min(settings.backoff_base, settings.backoff_max);
    decision.delay = from_seconds(std::max(0.0, seconds(longest)) * kShortly * jitter(inputs.seed));
  }
  return decision;
}

/// What each choice is expected to cost, in attempts.
struct RetryCosts {
  double now = 0;
  double later = 0;
  double dead_letter = 0;
};

RetryCosts costs_of(const FailureOdds& odds, double delay_seconds, const RetrySettings& settings) {
  const double wrongly = 1 / std::max(1e-6, 1 - settings.dead_letter_odds);
  return {.now = odds.now,
          .later = odds.later + delay_seconds / kAttemptSeconds,
          .dead_letter = (1 - odds.later) * wrongly};
}

/// After so many failed attempts in a row of whichever message, without a success since.
FailureOdds after_row(FailureOdds odds, std::uint32_t failed_in_row) {
  constexpr double kWorth = 0.5;
  const auto sure = [&](double p) { return (failed_in_row + kWorth * p) / (failed_in_row + kWorth); };
  return {.now = std::max(odds.now, sure(odds.now)),
          .later = std::max(odds.later, sure(odds.later)),
          .evidence = std::max(odds.evidence, static_cast<double>(failed_in_row))};
}

RetryDecision described(const RetryInputs& inputs, const FailureOdds& odds) {
  RetryDecision decision;
  decision.error = inputs.error;
  decision.attempt = inputs.attempt;
  decision.attempts_max = inputs.attempts_max;
  decision.failure_odds = static_cast<float>(odds.now);
  decision.evidence = static_cast<std::uint32_t>(std::min(odds.evidence, 1e9));
  decision.cause = inputs.error == ErrorClass::Capacity ? FailureCause::Capacity : inputs.breaker.cause;
  decision.fingerprint = inputs.fingerprint;
  return decision;
}

}  // namespace

FailureOdds failure_odds(const RetryInputs& inputs) {
  const double load = std::min(1.0, sane(inputs.load));
  const double of_function = function_failure_share(inputs.function);
  double now = hierarchical_odds(levels(inputs), of_function);
  if (inputs.error == ErrorClass::Timeout) now = with_cause(now, kLoadAddsToTimeout * load);
  if (inputs.error == ErrorClass::Crash) now = with_cause(now, kLoadAddsToCrash * load);
  if (!inputs.other_instance) now = with_cause(now, kSameInstanceAdds);
  // What is the function's fault passes with time, half of it while the message waits; what is the message's
  // stays.
  const double function_later = std::min(of_function, (of_function + kUsualFailureShare) / 2);
  const double later = hierarchical_odds(levels(inputs), function_later);
  return {.now = std::max(now, later), .later = later, .evidence = sane(inputs.after_error.total())};
}

bool waits_for_breaker(const RetryInputs& inputs) {
  const bool used_up = inputs.breaker.counts && inputs.attempt >= inputs.attempts_max;
  return inputs.error != ErrorClass::Capacity && !used_up &&
         (inputs.breaker.state == BreakerState::Open || inputs.breaker.state == BreakerState::HalfOpen);
}

Duration backoff(const RetryInputs& inputs, const RetrySettings& settings, double odds) {
  const double longest = std::max(0.0, seconds(settings.backoff_max));
  const double plain =
      std::min(longest, doubled(std::max(0.0, seconds(settings.backoff_base)), inputs.attempt - 1));
  const int left = inputs.attempts_max - inputs.attempt;
  const double spread = std::max(plain, longest / doubled(1, left - 1));
  const double certainty = odds * odds * odds * odds;  // even odds are no outage
  return from_seconds((plain + (spread - plain) * certainty) * jitter(inputs.seed));
}

RetryDecision decide_retry(const RetryInputs& inputs, const RetrySettings& settings) {
  check(inputs.error != ErrorClass::None, "only a failed message is decided upon");
  FailureOdds odds = inputs.learnt ? *inputs.learnt : failure_odds(inputs);
  const bool permanent = inputs.breaker.state == BreakerState::Permanent && !inputs.breaker.everything;
  if (permanent) odds = after_row(odds, inputs.breaker.failed_in_row);
  RetryDecision decision = described(inputs, odds);
  if (inputs.error == ErrorClass::Capacity) return after_capacity(inputs, settings, decision);
  decision.failure_odds = static_cast<float>(odds.later);
  const Duration longest = std::max(Duration(0), settings.backoff_max);
  if (waits_for_breaker(inputs)) {
    decision.choice = RetryChoice::Later;
    decision.delay = std::min(longest, inputs.breaker.wait);
    return decision;
  }
  const Duration delay = backoff(inputs, settings, odds.now);
  const RetryCosts costs = costs_of(odds, seconds(delay), settings);
  const bool finds_out = permanent && mix_bits(inputs.seed) % kFindsOut == 0;
  const bool told = odds.evidence >= settings.evidence_min && !inputs.breaker.young && !finds_out;
  const bool may_move = told && (permanent || works_for_others(inputs));
  if (inputs.attempt >= inputs.attempts_max ||
      (may_move && costs.dead_letter <= std::min(costs.now, costs.later))) {
    if (decision.cause == FailureCause::Unknown && told) decision.cause = FailureCause::Message;
    decision.choice = inputs.has_dead_letter_queue ? RetryChoice::DeadLetter : RetryChoice::Park;
    if (decision.choice == RetryChoice::Park) decision.delay = longest;
    return decision;
  }
  if (inputs.attempt <= 1 && inputs.other_instance && odds.now < kOddsForNow && costs.now <= costs.later) {
    decision.failure_odds = static_cast<float>(odds.now);
    decision.choice = RetryChoice::Now;
    return decision;
  }
  decision.choice = RetryChoice::Later;
  decision.delay = delay;
  return decision;
}

}  // namespace forewarm
