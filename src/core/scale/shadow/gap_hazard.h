#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "base/time.h"

namespace forewarm {

/// What a message that finds its instance cold is worth, in seconds of idle time: a ladder of prices, each
/// twice the one before, from nothing but the start itself to four hours.
inline constexpr std::size_t kPrices = 16;
double price_seconds(std::size_t price);

/// One bit a price.
using PriceMask = std::uint16_t;
static_assert(8 * sizeof(PriceMask) == kPrices);

/// When an idle instance is worth keeping, learnt from how long it was idle before it was needed again.
///
/// For each price the cheapest course through a gap, from its beginning until it ends, of being warm (costs
/// the time) and cold (costs the price, and a start, if the need comes) is found by dynamic programming over
/// the histogram of gaps: keep while the hazard of a need is worth more than the time (Narayana and Kash
/// 2023), go, and be back before a need that comes regularly (the pre-warming window of Shahrad et al., ATC
/// 2020). Bins are a quarter of an octave wide, from 10 ms to two days.
class GapHazard {
 public:
  static constexpr std::size_t kBins = 96;

  void observe(Duration gap);
  /// Multiplies the weight of all that was seen.
  void forget(float keep);
  float weight() const { return weight_; }  ///< gaps, the older ones by what is left of them
  bool outdated() const { return outdated_; }
  /// Finds the courses anew.
  void decide(double start_seconds);
  /// The prices at which the instance should be warm, or starting, after it was idle for that long.
  PriceMask warm(Duration idle_for, Duration lead) const;

  static std::size_t bin_of(Duration gap);
  static double bin_begins(std::size_t bin);  ///< seconds

 private:
  std::array<float, kBins> gaps_{};
  std::array<PriceMask, kBins> warm_{};
  float weight_ = 0;
  float decided_weight_ = 0;
  bool outdated_ = true;
};

}  // namespace forewarm
