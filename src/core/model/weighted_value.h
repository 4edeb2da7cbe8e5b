#pragma once

namespace forewarm {

/// A value of a sample and how much it counts: how often, how long, how likely.
struct WeightedValue {
  double value = 0;
  double weight = 0;

  friend bool operator==(const WeightedValue&, const WeightedValue&) = default;
};

}  // namespace forewarm
