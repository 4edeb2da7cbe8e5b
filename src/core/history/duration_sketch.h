#pragma once

#include <cstdint>
#include <vector>

#include "base/time.h"

namespace forewarm {

/// Quantiles of durations within 2 % of the true value in bounded memory: DDSketch with collapsing lowest
/// buckets (Masson, Rim, Lee, VLDB 2019), with exponential forgetting so that an old regime fades.
class DurationSketch {
 public:
  /// `half_life` observations weigh as much as all that came before them.
  explicit DurationSketch(double half_life = 2000);

  void observe(Duration value);
  double weight() const { return weight_; }  ///< decayed number of observations
  std::uint64_t observed() const { return observed_; }
  Duration mean() const;                  ///< zero when nothing was observed
  Duration quantile(double level) const;  ///< zero when nothing was observed

 private:
  double growth_;  ///< weight of the next observation
  double growth_rate_;
  double weight_ = 0;  ///< in units of the next observation's weight, kept normalised
  double sum_seconds_ = 0;
  std::uint64_t observed_ = 0;
  std::int32_t first_bucket_ = 0;
  std::vector<float> buckets_;
};

}  // namespace forewarm
