#pragma once

#include <cstdint>

#include "core/scale/shadow/shadow.h"

namespace forewarm {

/// What is asked of a candidate.
struct CandidateWish {
  double late_share_max = 0.01;
  double late_price = 0;          ///< idle seconds that one late message is worth; 0: found from late_share_max
  double late_price_max = 600;    ///< where the share cannot be kept, or so few messages come that it says nothing
  std::size_t ahead_count = kAheadCount;  ///< only the first of them may be chosen
};

/// Chooses the candidate that is cheapest among those that keep the objective, and learns by how much the
/// shadow's count of cold messages differs from the real one's late messages.
class CandidateChoice {
 public:
  /// `late_if_cold`: what one cold message is believed to make late before any was seen.
  void advance(TimePoint now, double late_if_cold);
  void observe_ready(const Shadow& shadow);
  void observe_start(bool late);

  /// Nothing while too few messages came to tell candidates apart.
  const Candidate* choose(const Shadow& shadow, const CandidateWish& wish);
  double late_per_cold() const;
  double late_share(const Shadow& shadow, Candidate candidate) const;

 private:
  Candidate chosen_;
  bool any_ = false;
  double late_if_cold_ = 1;
  double cold_ = 0, late_ = 0;  ///< of the chosen ones, the older the less
  TimePoint advanced_ = kNever;
};

}  // namespace forewarm
