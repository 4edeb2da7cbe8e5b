#pragma once

#include <cstdint>

#include "sim/baselines/minute_series.h"

namespace forewarm {

/// AWS Application Auto Scaling, target tracking on a utilisation: an alarm above the target for three points
/// of a minute, one below nine tenths of it for fifteen, each point the mean of its minute. Big steps up,
/// small steps down; bursts of less than three minutes trigger nothing.
///
/// Source: AWS Lambda developer guide, "Configuring provisioned concurrency" (2025); alarms as observed by
/// G. Mao. The steps are not published. Assumed: up to capacity x utilisation / target, down by a tenth (at
/// least by one) but not below that. A minute without traffic counts as no utilisation; CloudWatch has no
/// point then and the alarm stays as it was: kinder than the product.
struct TargetTrackingOptions {
  double target = 0.7;            ///< utilisation
  double low_share = 0.9;         ///< of the target: below it is too much capacity
  std::uint32_t high_points = 3;  ///< minutes above the target
  std::uint32_t low_points = 15;  ///< minutes below
  std::uint32_t min = 1;
  std::uint32_t max = 1000;
};

class TargetTracking {
 public:
  explicit TargetTracking(const TargetTrackingOptions& options)
      : options_(options), points_(std::max(options.high_points, options.low_points)) {}

  /// Takes a sample. True where a minute ended with it, which is when the alarms are looked at.
  bool add(TimePoint now, double utilisation) { return points_.add(now, utilisation); }
  /// What an alarm makes of this capacity; the same where none is in force.
  std::uint32_t capacity_after(std::uint32_t capacity) const;

 private:
  TargetTrackingOptions options_;
  MinuteSeries points_;
};

}  // namespace forewarm
