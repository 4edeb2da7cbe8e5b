#pragma once

#include <cstdint>

namespace forewarm {

/// How the rate of an intermittent demand is smoothed.
enum class IntermittentMethod : std::uint8_t {
  Croston,  ///< mean size over mean interval, both smoothed when there is a demand (Croston 1972)
  Sba,      ///< the same less its bias, times 1 - alpha / 2 (Syntetos and Boylan 2005)
  Tsb,      ///< mean size times the odds of a demand, smoothed at every step, so that silence counts
            ///< (Teunter, Syntetos and Babai 2011)
};

/// Size and rate of an intermittent demand, smoothed.
///
/// Steps are measured by `exposure`, the share of demand that a season lets expect of them: then intervals
/// are counted on a clock that runs fast when demand is likely, and the methods follow a season without
/// change. With an exposure of 1 at each step they are the textbook's.
struct IntermittentRate {
  IntermittentMethod method = IntermittentMethod::Tsb;
  double alpha = 0.1;

  double size = 0;       ///< mean of a demand, smoothed
  double interval = 0;   ///< mean exposure from demand to demand, smoothed; 0 before the first
  double since = 0;      ///< exposure since the last demand
  double demands = 0;    ///< share of steps with a demand, smoothed,
  double exposures = 0;  ///< over the exposure, smoothed as well
  bool begun = false;

  /// A step without demand has `value` 0.
  void update(double value, double exposure);
  /// Odds of a demand per unit of exposure.
  double rate() const;
  /// Mean demand per unit of exposure: the method's point forecast.
  double expected() const { return rate() * size; }
  bool is_sound() const;
};

}  // namespace forewarm
