#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/time.h"
#include "core/history/outcomes.h"
#include "core/model/decision.h"
#include "core/model/ids.h"
#include "core/model/retry_memory.h"
#include "core/retry/newest_outcomes.h"
#include "core/retry/upstream.h"

namespace forewarm {

/// Predicted probability that the next attempt fails too, and how many outcomes stand behind it.
struct FailureOdds {
  double now = 0;       ///< if it is run again at once
  double later = 0;     ///< after a backoff
  double evidence = 0;  ///< outcomes of attempts after this error
};

/// Outcomes from the widest to the narrowest, each level the prior of the next.
struct OutcomeLevels {
  OutcomeCounts function;      ///< recent outcomes of the function as a whole
  OutcomeCounts tenant;        ///< of this tenant on it
  OutcomeCounts after_error;   ///< of attempts that followed the same error
  std::uint16_t failures = 0;  ///< of the message itself; retries among them are the narrowest level
};

/// The hierarchical estimate: beta-binomial by levels. Counts that are negative or not finite count as none.
/// `of_function` stands in for the function's own share where it is not negative. In [0, 1].
double hierarchical_odds(const OutcomeLevels& levels, double of_function = -1);
/// The function's own share of failures by the same estimate.
double function_failure_share(const OutcomeCounts& function);

/// All that is known of an attempt before it is made.
struct AttemptFeatures {
  FunctionId function;
  TenantId tenant;
  GroupId group;
  MessageTypeId type;  ///< none where the sender says nothing
  std::uint32_t bytes = 0;
  std::uint16_t failures = 0;            ///< of this message before
  ErrorClass error = ErrorClass::None;   ///< the last failure's
  std::uint64_t fingerprint = 0;         ///< the last failure's
  Duration since_failure = Duration(0);  ///< since it
  std::uint32_t instance_failures = 0;   ///< in a row, of the instance that would run it
  double load = 0;                       ///< busy share of the function's instances, 0..1
  double machine_load = 0;               ///< share of the machine's instances in use, 0..1
  double recent_failures = 0;            ///< share of the function's last attempts that failed, 0..1
  std::uint8_t breaker = 0;              ///< the state of its circuit breaker; 0: closed
  double prior = 0;                      ///< hierarchical_odds
  std::optional<NewestOutcomes> newest = {};
  UpstreamLevels upstream = {};
};

/// Failure odds learnt online. The logarithm of the odds is the prior's (failure_prior.h) plus a sum of
/// weights of hashed features, learnt by FTRL-proximal (McMahan et al. 2013, "Ad click prediction: a view
/// from the trenches", algorithm 1): a weight stays zero until its features have said enough. On top, a
/// recalibration by bins of the odds, each shrunk towards leaving them as they are.
///
/// What is learnt in quiet times can mislead in an incident, and an incident's lesson after it. So how much
/// of it is added is learnt too: shares of it from none to all are experts, mixed by what each has lost of
/// late (exponential weights, Cesa-Bianchi and Lugosi 2006, chapter 2), for first attempts and others, with a
/// breaker open and without. Each starts in favour of the prior.
///
/// Not per message or per key: a fixed number of buckets, which colliding features share. A decision costs
/// two dozen table reads. Not thread-safe.
class FailureOddsModel {
 public:
  struct Options {
    std::size_t buckets = std::size_t{1} << 14;  ///< a power of two; 16 bytes each
    double rate = 0.15;                          ///< alpha of FTRL-proximal
    double sparsity = 0.6;                       ///< lambda 1: what a feature must have said to count
    double shrinkage = 1.0;                      ///< lambda 2
  };
  FailureOddsModel() : FailureOddsModel(Options{}) {}
  explicit FailureOddsModel(Options options);

  /// Probability that the attempt fails, in [0, 1].
  double odds(const AttemptFeatures& attempt) const;
  /// What became of an attempt; `attempt` as it was known before.
  void learn(const AttemptFeatures& attempt, bool failed);
  std::uint64_t learnt() const { return learnt_; }
  void remember(RetryMemory& memory) const;
  /// Takes what another had learnt, if this has learnt nothing and the memory could be its own; says whether.
  bool restore(const RetryMemory& memory);

  static constexpr std::size_t kBins = 16;
  struct Bin {
    double predicted = 0;  ///< sum of odds
    double failed = 0;
    double weight = 0;
  };
  struct Weight {
    double z = 0;
    double n = 0;
  };
  static constexpr std::size_t kTrusts = 4;      ///< shares of what is learnt
  static constexpr std::size_t kSituations = 4;  ///< first attempts or not, a breaker open or not

 private:
  /// Logarithms of the odds of one attempt.
  struct Said {
    double prior = 0;
    double raw = 0;     ///< with the weights
    double learnt = 0;  ///< recalibrated
  };
  using Losses = std::array<double, kTrusts>;

  double weight(std::uint32_t bucket) const;
  Said say(const AttemptFeatures& attempt) const;
  double recalibrated(double log_odds) const;
  static void lose(Losses& losses, const Said& said, bool failed);

  Options options_;
  std::vector<Weight> weights_;
  std::array<Bin, kBins> bins_{};
  std::array<Losses, kSituations> losses_{};  ///< beyond those of the best
  std::uint64_t learnt_ = 0;
};

}  // namespace forewarm
