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

constexpr double kOddsForNow = 0.5;  // at once only if success is the likelier outcome
constexpr double kJitter = 0.3;      // the largest share by which a delay is shortened
constexpr double kShortly = 0.1;     // of the first backoff: when capacity may be there again

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

Duration backoff(const RetryInputs& inputs, const RetrySettings& settings, double odds) {
  const double longest = std::max(0.0, seconds(settings.backoff_max));
  const double plain =
      std::min(longest, doubled(std::max(0.0, seconds(settings.backoff_base)), inputs.attempt - 1));
  const int left = inputs.attempts_max - inputs.attempt;
  const double spread = std::max(plain, longest / doubled(1, left - 1));
  const double certainty = odds * odds * odds * odds;  // even odds are no outage
  return from_seconds((plain + (spread - plain) * certainty) * jitter(inputs.seed));
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

RetryDecision decide_retry(const RetryInputs& inputs, const RetrySettings& settings) {
  check(inputs.error != ErrorClass::None, "only a failed message is decided upon");
  const FailureOdds odds = failure_odds(inputs);
  RetryDecision decision;
  decision.error = inputs.error;
  decision.attempt = inputs.attempt;
  decision.attempts_max = inputs.attempts_max;
  decision.failure_odds = static_cast<float>(odds.now);
  decision.evidence = static_cast<std::uint32_t>(std::min(odds.evidence, 1e9));
  if (inputs.error == ErrorClass::Capacity) return after_capacity(inputs, settings, decision);

  const bool hopeless = odds.later >= settings.dead_letter_odds && odds.evidence >= settings.evidence_min;
  if (inputs.attempt >= inputs.attempts_max || (hopeless && works_for_others(inputs))) {
    decision.failure_odds = static_cast<float>(odds.later);
    decision.choice = inputs.has_dead_letter_queue ? RetryChoice::DeadLetter : RetryChoice::Park;
    if (decision.choice == RetryChoice::Park) decision.delay = std::max(Duration(0), settings.backoff_max);
    return decision;
  }
  if (inputs.attempt <= 1 && inputs.other_instance && odds.now < kOddsForNow) {
    decision.choice = RetryChoice::Now;
    return decision;
  }
  decision.failure_odds = static_cast<float>(odds.later);
  decision.choice = RetryChoice::Later;
  decision.delay = backoff(inputs, settings, odds.now);
  return decision;
}

}  // namespace forewarm
