#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "core/scale/shadow/shadow.h"

namespace forewarm {

/// What is asked of a candidate.
struct CandidateWish {
  double late_share_max = 0.01;
  double late_price_seconds = 0;          ///< of idle time; 0: as much as late_share_max takes
  double late_price_max_seconds = 600;    ///< where so few messages come that a share of them says nothing
  std::size_t ahead_count = kAheadCount;  ///< only so many ways to have instances ahead of need may be chosen
};

/// How many instances are started for one message that has none; only the first that is ready is needed.
inline constexpr std::uint32_t kStartsPerColdMax = 3;

/// A candidate, and how sure a start is to be made.
struct Choice {
  Candidate candidate;
  std::uint32_t starts_per_cold = 1;
};

/// Chooses the candidate that would have been cheapest of those that keep the objective, and learns how many
/// messages are really late for each that the shadow counts as cold: that is the feedback which makes the
/// objective hold, whatever the shadow leaves out (start times, chance, limits).
///
/// Where a start is in time mostly but not always, more than one may be started for a message that has none:
/// each is late by itself, so the first of two seldom is (hedged requests: Dean and Barroso, The tail at
/// scale, CACM 2013).
class CandidateChoice {
 public:
  /// `late_if_cold`: share of starts that are late, and so of cold messages before any was seen.
  void advance(TimePoint now, double late_if_cold);
  /// A message has just come to the shadow.
  void observe_ready(const Shadow& shadow);
  void observe_start(bool late);

  /// None while too few messages came to tell candidates apart.
  std::optional<Choice> choose(const Shadow& shadow, const CandidateWish& wish);
  /// Share of late messages that a candidate would have brought, by what is known so far; 0 before that is
  /// enough to choose.
  double late_share(const Shadow& shadow, const Choice& choice) const;
  const std::optional<Choice>& chosen() const { return chosen_; }

  void remember(ScalerMemory& memory) const;
  void restore(TimePoint now, const ScalerMemory& memory);

 private:
  /// Late messages for each cold one if so many instances are started for it.
  double late_per_cold(std::uint32_t starts) const;
  /// Of that many starts all are late.
  double all_late(std::uint32_t starts) const;

  std::optional<Choice> chosen_;
  double late_if_cold_ = 1;
  double cold_ = 0, late_ = 0;  ///< with the chosen ones, the older the less
  double expected_ = 0;         ///< to be late of those that were cold
  TimePoint advanced_ = kNever;
};

}  // namespace forewarm
