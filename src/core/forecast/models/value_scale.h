#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "base/math.h"

namespace forewarm {

/// The scale on which a linear model works. The square root evens the noise of counts and lets seasons grow
/// with the level; the plain scale is right where noise does not grow with the level.
enum class ValueScale : std::uint8_t { Plain, SquareRoot };

/// A value onto the scale: not measured and infinite become NaN, below zero zero, above 1e15 that.
inline double onto_scale(float value, ValueScale scale) {
  if (!std::isfinite(value)) return std::numeric_limits<double>::quiet_NaN();
  const double safe = std::clamp(static_cast<double>(value), 0.0, 1e15);
  return scale == ValueScale::SquareRoot ? sqrt(safe) : safe;
}

inline std::vector<double> onto_scale(std::span<const float> values, ValueScale scale) {
  std::vector<double> result(values.size());
  for (std::size_t t = 0; t < values.size(); ++t) result[t] = onto_scale(values[t], scale);
  return result;
}

/// And back; never negative.
inline double off_scale(double value, ValueScale scale) {
  const double positive = std::max(0.0, value);
  return scale == ValueScale::SquareRoot ? positive * positive : positive;
}

inline bool is_sound(ValueScale scale) {
  return scale == ValueScale::Plain || scale == ValueScale::SquareRoot;
}

}  // namespace forewarm
