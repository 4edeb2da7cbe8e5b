#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "base/time.h"

namespace forewarm {

/// What a message that finds its instance is worth, in seconds of an idle instance's time: a ladder of
/// prices, each twice the one before, from nothing but the start itself to four hours.
inline constexpr std::size_t kPrices = 16;
double price_seconds(std::size_t price);

/// One bit a price.
using PriceMask = std::uint16_t;
static_assert(8 * sizeof(PriceMask) == kPrices);
inline constexpr auto kAllPrices = static_cast<PriceMask>(~0U);

/// Times until a level was needed, in bins a quarter of an octave wide, from 10 ms to two days.
class GapCounts {
 public:
  static constexpr std::size_t kBins = 96;
  static std::size_t bin_of(Duration gap);
  static double bin_begins(std::size_t bin);  ///< seconds

  void observe(Duration gap);
  void forget(float keep);
  float weight() const { return weight_; }
  float at(std::size_t bin) const { return counts_[bin]; }
  const std::array<float, kBins>& counts() const { return counts_; }
  /// As many as counts() has; what was counted before is gone.
  void restore(std::span<const float> counts);

 private:
  std::array<float, kBins> counts_{};
  float weight_ = 0;
};

/// When an idle instance is worth keeping, and when one is worth starting, learnt from how long it took until
/// it was needed again.
///
/// For each price the cheapest course through a gap of being warm (costs the time) and cold (costs the price
/// if the need comes) is found by dynamic programming over the gaps seen: keep while the hazard of a need is
/// worth more than the time (Narayana and Kash 2023), let go, and be back before a need that comes regularly
/// (the pre-warming window of Shahrad et al., ATC 2020). A message that finds no instance is late already:
/// one is started for those after it, if there are any once it has started.
class GapHazard {
 public:
  /// It was needed again after being idle for that long.
  void observe_gap(Duration gap) { gaps_.observe(gap); }
  /// It was needed again that long after an instance, started at an earlier need, would have been ready.
  void observe_after_start(Duration gap) { after_start_.observe(gap); }
  /// Multiplies the weight of all that was seen.
  void forget(float keep);
  /// So much was seen since it last decided that it might decide otherwise.
  bool outdated() const;
  /// Finds the courses anew.
  void decide(Duration lead, double start_seconds);

  /// The prices at which it is warm after it was idle for that long. `started`: at which it was warm, or
  /// began to start, at the gap's beginning.
  PriceMask warm(Duration idle_for, PriceMask started) const;
  /// Probability that it is needed within a time from now on, for each second that it is idle until then or
  /// until the time is over: with the time for which that is most (an index of Gittins 1979).
  double need_per_second(Duration idle_for) const;
  /// The prices at which a need that finds it cold starts it.
  PriceMask starts_on_need() const { return starts_on_need_; }

  const GapCounts& gaps() const { return gaps_; }
  const GapCounts& after_start() const { return after_start_; }
  /// Both as they were; then decide() has to follow.
  void restore(std::span<const float> gaps, std::span<const float> after_start);

 private:
  GapCounts gaps_, after_start_;
  std::array<PriceMask, GapCounts::kBins> after_warm_{}, after_cold_{};
  PriceMask starts_on_need_ = kAllPrices;
  float decided_weight_ = -1;
};

}  // namespace forewarm
