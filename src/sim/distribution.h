#pragma once

#include <vector>

#include "base/random.h"
#include "base/time.h"

namespace forewarm {

/// A distribution of durations to draw start and service times from.
class DurationDistribution {
 public:
  /// Always the same.
  static DurationDistribution fixed(Duration value);
  /// Log-normal with this median; `sigma` is the standard deviation of the logarithm.
  static DurationDistribution log_normal(Duration median, double sigma);
  struct Percentile {
    double level = 0;  ///< 0..1, ascending
    Duration value = Duration(0);
  };
  /// Linear between measured percentiles, flat outside them.
  static DurationDistribution empirical(std::vector<Percentile> percentiles);

  Duration draw(Random& random) const;
  Duration mean() const;

 private:
  double median_seconds_ = 0;
  double sigma_ = 0;
  std::vector<Percentile> percentiles_;  ///< not empty: empirical
};

}  // namespace forewarm
