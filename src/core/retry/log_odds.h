#pragma once

#include <algorithm>

#include "base/math.h"

namespace forewarm {

/// Of a function that nothing is known about.
inline constexpr double kUnknownFailureShare = 0.1;
/// Beyond it a logarithm of odds says nothing more.
inline constexpr double kOddsMin = 1e-4;

/// ln(p / (1 - p)); finite whatever comes in.
inline double log_odds(double p) {
  const double safe = std::clamp(p == p ? p : kUnknownFailureShare, kOddsMin, 1 - kOddsMin);
  return log(safe / (1 - safe));
}

inline double logistic(double x) {
  return 1 / (1 + exp(-x));
}

}  // namespace forewarm
