#include "app/triage.h"

#include <array>

namespace forewarm {
namespace {

constexpr double kEvidenceMin = 1;      // attempts after such a failure, faded
constexpr double kFunctionMin = 10;     // attempts of the function
constexpr double kWorksFailures = 0.2;  // a function that fails less often works
constexpr std::uint64_t kSucceededMin = 3;

bool breaker_is_open(const TriageFacts& facts) {
  if (!facts.odds) return false;
  const BreakerState state = facts.odds->breaker.state;
  return state == BreakerState::Open || state == BreakerState::HalfOpen;
}

bool works_now(const TriageFacts& facts) {
  if (facts.succeeded_since < kSucceededMin || !facts.odds || breaker_is_open(facts)) return false;
  return facts.odds->function_failures <= kWorksFailures * facts.odds->function_attempts;
}

std::string successes(const TriageFacts& facts) {
  return std::to_string(facts.succeeded_since) + (facts.succeeded_since == 1 ? " run" : " runs") +
         " of the function succeeded since";
}

bool is_outage(FailureCause cause) {
  return cause == FailureCause::Outage || cause == FailureCause::Capacity;
}

void judge_cause(const TriageFacts& facts, TriageVerdict& verdict) {
  const bool other_version = facts.version_now != 0 && facts.version_now != facts.version_then;
  if (facts.error == ErrorClass::None) {
    verdict.cause = TriageCause::Unhandled;
    verdict.why =
        "they were received as often as the queue allows without being deleted; no failed run is known";
  } else if (breaker_is_open(facts)) {
    const FailureCause now = facts.odds->breaker.cause;
    verdict.cause = now == FailureCause::Deploy    ? TriageCause::Deploy
                    : now == FailureCause::Timeout ? TriageCause::Timeout
                                                   : TriageCause::Outage;
    verdict.why = "messages still fail with it: its circuit breaker is open";
  } else if (facts.cause == FailureCause::Deploy || (other_version && works_now(facts))) {
    verdict.cause = other_version && works_now(facts) ? TriageCause::DeployOver : TriageCause::Deploy;
    verdict.why = "they failed on version " + std::to_string(facts.version_then) +
                  " of the function, version " + std::to_string(facts.version_now) + " runs now; " +
                  successes(facts);
  } else if (facts.error == ErrorClass::Timeout) {
    verdict.cause = TriageCause::Timeout;
    verdict.why = "their runs took longer than the function may; " + successes(facts);
  } else if (is_outage(facts.cause)) {
    verdict.cause = works_now(facts) ? TriageCause::OutageOver : TriageCause::Outage;
    verdict.why = "most messages failed at that time; " + successes(facts);
  } else if (facts.cause == FailureCause::Message) {
    verdict.cause = TriageCause::Poison;
    verdict.why = "they failed again and again while other messages succeeded";
  } else {
    verdict.why = "too little was known of this failure when they were dead-lettered; " + successes(facts);
  }
}

/// What the attempts after this failure say is of the time before the function worked again. Those that are
/// the messages' own fault fail then too.
bool odds_are_outdated(const TriageFacts& facts) {
  constexpr double kPessimistic = 0.5;
  return works_now(facts) && facts.cause != FailureCause::Message && facts.odds->failure > kPessimistic;
}

void judge_odds(const TriageFacts& facts, TriageVerdict& verdict) {
  if (facts.error == ErrorClass::None) {
    verdict.odds_from = "no failure is known that odds could be given for";
  } else if (!facts.odds) {
    verdict.odds_from = "no function takes the messages of the queue that they came from";
  } else if (odds_are_outdated(facts)) {
    verdict.odds_from =
        "the attempts after this failure were made before the function worked again: canaries would tell";
  } else if (facts.odds->evidence >= kEvidenceMin) {
    verdict.success_odds = 1 - facts.odds->failure;
    verdict.odds_from = "attempts after this failure since the server started";
  } else if (facts.odds->function_attempts >= kFunctionMin) {
    verdict.success_odds = 1 - facts.odds->failure;
    verdict.odds_from = "the function's newest attempts; none of late followed this failure";
  } else {
    verdict.odds_from = "too few attempts were made of late, or since the server started";
  }
}

}  // namespace

std::string_view word(TriageCause cause) {
  constexpr std::array<std::string_view, 8> kWords = {"unknown",     "poison_message", "outage",
                                                      "outage_over", "bad_deploy",     "deploy_over",
                                                      "timeout",     "unhandled"};
  return kWords[static_cast<std::size_t>(cause)];
}

TriageVerdict judge(const TriageFacts& facts) {
  TriageVerdict verdict;
  judge_cause(facts, verdict);
  judge_odds(facts, verdict);
  return verdict;
}

}  // namespace forewarm
