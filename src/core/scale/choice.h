#pragma once

#include <cstddef>
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

/// Chooses the candidate that would have been cheapest of those that keep the objective, and learns how many
/// messages are really late for each that the shadow counts as cold: that is the feedback which makes the
/// objective hold, whatever the shadow leaves out (start times, chance, limits).
class CandidateChoice {
 public:
  /// `late_if_cold`: late messages for each cold one, believed before any was seen.
  void advance(TimePoint now, double late_if_cold);
  /// A message has just come to the shadow.
  void observe_ready(const Shadow& shadow);
  void observe_start(bool late);

  /// None while too few messages came to tell candidates apart.
  std::optional<Candidate> choose(const Shadow& shadow, const CandidateWish& wish);
  /// Share of late messages that a candidate would have brought, by what is known so far; 0 before that is
  /// enough to choose.
  double late_share(const Shadow& shadow, Candidate candidate) const;
  const std::optional<Candidate>& chosen() const { return chosen_; }

  void remember(ScalerMemory& memory) const;
  void restore(TimePoint now, const ScalerMemory& memory);

 private:
  double late_per_cold() const;

  std::optional<Candidate> chosen_;
  double late_if_cold_ = 1;
  double cold_ = 0, late_ = 0;  ///< with the chosen ones, the older the less
  TimePoint advanced_ = kNever;
};

}  // namespace forewarm
