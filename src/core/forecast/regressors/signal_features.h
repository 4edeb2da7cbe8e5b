#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "core/forecast/forecaster.h"

namespace forewarm {

/// Signals beside a series: `past` as long as it, `future` from the next step on as far as it is known.
struct SignalColumns {
  Columns past;
  Columns future;

  std::size_t count() const { return past.size(); }
  /// How many steps of its future are known.
  std::size_t known_ahead(std::size_t signal) const {
    return signal < future.size() ? future[signal].size() : 0;
  }
  /// NaN where it is not known.
  float at(std::size_t signal, std::ptrdiff_t step) const;
};

/// How a signal's value becomes a number of a regression.
enum class SignalShape : std::uint8_t {
  Value,      ///< standardised
  Square,     ///< of that: too hot is as bad as too cold
  Logarithm,  ///< of one plus the value over its usual size, standardised: for rain and other skewed ones
  Level       ///< 1 where the value is just this one: for kinds that are numbered
};

/// One column of a regression.
struct SignalFeature {
  SignalShape shape = SignalShape::Value;
  double centre = 0, spread = 1;
  double level = 0;  ///< Level: which; Logarithm: the usual size

  /// 0 where the value is not known, as at the signal's mean.
  double of(float value) const;
};

/// The columns that a signal is worth trying in, the first of them as it is; none for a signal that does not
/// vary.
struct SignalFeatures {
  std::vector<SignalFeature> features;
  bool gradual = false;    ///< takes any value, and no side of its mean is rare
  bool indicator = false;  ///< has two values: what it does may have any shape of day
};
SignalFeatures signal_features(std::span<const float> past);

}  // namespace forewarm
