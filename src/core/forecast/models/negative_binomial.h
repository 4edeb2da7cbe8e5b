#pragma once

#include "core/forecast/quantile_set.h"

namespace forewarm {

/// Counts whose mean is itself uncertain: a Poisson count whose rate is gamma distributed is negative
/// binomial. `spread` is the squared coefficient of variation of that rate (one over the shape), 0 for a
/// Poisson count: the variance is mean + spread * mean^2. With `unit` below 1 it is the count of a smaller
/// unit, for what varies less than a Poisson count: the variance is then unit * mean.
struct NegativeBinomial {
  double mean = 0;
  double spread = 0;
  double unit = 1;

  /// Logarithm of the probability of `count`; of the density where the count is not whole.
  double log_probability(double count) const;
  /// Quantiles at the forecast's levels: the least count that reaches the level, found by adding up
  /// probabilities. Where they are too many the gamma distribution of the same mean and variance stands in
  /// (Wilson and Hilferty 1931); its error is then below a fiftieth of a standard deviation.
  LevelValues quantiles() const;
};

}  // namespace forewarm
