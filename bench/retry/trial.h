#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "core/retry/retry_policy.h"
#include "retry/incidents.h"

namespace forewarm {

/// Predictions against what came: Brier score, area under the ROC curve, reliability by tenths.
class OddsScore {
 public:
  void add(double odds, bool failed);
  void add(const OddsScore& other);

  double brier() const;
  /// 1 - Brier / that of always saying the share that failed.
  double skill() const;
  double auc() const;
  struct Tenth {
    double predicted = 0;
    double failed = 0;
    double count = 0;
  };
  const std::array<Tenth, 10>& tenths() const { return tenths_; }
  /// The largest |predicted - seen| of tenths with at least so many predictions.
  double worst_tenth(double count_min) const;
  double count() const { return count_; }

 private:
  static constexpr std::size_t kSteps = 2000;
  double count_ = 0, failed_ = 0, squares_ = 0;
  std::array<Tenth, 10> tenths_{};
  std::vector<std::array<double, 2>> steps_ = std::vector<std::array<double, 2>>(kSteps + 1);
};

/// maxReceiveCount and a backoff; none of forewarm's own.
struct FixedPolicy {
  std::uint16_t attempts_max = 5;
  Duration first = 1s;
  Duration longest = 15min;
  bool exponential = true;  ///< doubled each time, with full jitter's upper half
  std::string name() const;
  RetryDecision decide(const RetryInputs& inputs) const;
};
/// The slower ones first: they tend to have fewer doomed attempts, and the others are given up sooner.
std::vector<FixedPolicy> fixed_policies();
/// Exponential with jitter and no end of attempts: what others drain with, losing nothing.
FixedPolicy patient_exponential();

/// What became of one incident under one policy.
struct TrialResult {
  double attempts = 0;
  double doomed = 0;         ///< attempts that could not have succeeded
  double good = 0;           ///< messages that are no poison
  double wrongly_dead = 0;   ///< of them dead-lettered
  double poison = 0;         ///< messages
  double poison_dead = 0;    ///< of them dead-lettered
  double drain_seconds = 0;  ///< from the incident's end till nine in ten of those that it kept are through
  double kept = 0;           ///< good messages that had come before its end and were not through
  OddsScore odds;            ///< of all attempts
  OddsScore retries;         ///< of those after a failure
  OddsScore best;            ///< of all, by one who knows the incident: Incident::odds_at_best
  OddsScore best_of_retries;

  void add(const TrialResult& other);
};

/// Null: forewarm's own; which may be told by a signal how what the function needs is doing.
TrialResult run_trial(const Incident& incident, const FixedPolicy* policy, bool upstream = false);

}  // namespace forewarm
