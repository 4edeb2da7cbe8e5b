#pragma once

#include <cstddef>

namespace forewarm {

/// Leads in three bands: what is learnt of a lead is learnt with the others of its band, as single leads have
/// too few points.
inline constexpr std::size_t kLeadBands = 3;
constexpr std::size_t lead_band(std::size_t lead) {
  return lead <= 4 ? 0 : lead <= 16 ? 1 : 2;
}

/// Between the middles of two bands, so that what is said does not jump where one ends.
struct BetweenBands {
  std::size_t near = 0;
  std::size_t far = 0;
  double share = 0;  ///< of the far one

  explicit BetweenBands(std::size_t lead);
  double of(double near_value, double far_value) const {
    return near_value + share * (far_value - near_value);
  }
};

}  // namespace forewarm
