#pragma once

#include <cstdint>
#include <vector>

#include "base/time.h"
#include "core/model/function_memory.h"

namespace forewarm {

/// Quantiles of durations within 2 % of the true value in at most 4 KB: DDSketch with collapsing lowest
/// buckets (Masson, Rim, Lee, VLDB 2019), with exponential forgetting so that an old regime fades. The newest
/// observations need no window to be stored: instead of shrinking all older weights, each observation weighs
/// a little more than the one before.
class DurationSketch {
 public:
  /// `half_life` observations weigh as much as all that came before them; at least 1.
  explicit DurationSketch(double half_life = 2000);

  void observe(Duration value);
  double weight() const { return weight_; }  ///< decayed number of observations
  std::uint64_t observed() const { return observed_; }
  Duration mean() const;                      ///< zero when nothing was observed
  Duration quantile(double level) const;      ///< level in [0, 1]; zero when nothing was observed
  double weight_above(Duration value) const;  ///< decayed number of observations longer than that
  SketchMemory memory() const;
  /// Takes what another had observed, as if it were at most `most` observations, if this has observed nothing
  /// and the memory could be another's; says whether. One of nothing is taken as it is.
  bool restore(const SketchMemory& memory, double most);

 private:
  float& bucket(std::int32_t index);
  void renormalise();

  double growth_ = 1;  ///< weight of the next observation
  double growth_rate_;
  double weight_ = 0;  ///< in units of the next observation's weight, kept normalised
  double sum_seconds_ = 0;
  std::uint64_t observed_ = 0;
  float zeros_ = 0;  ///< weight of observations that took no time
  std::int32_t first_bucket_ = 0;
  std::vector<float>
      buckets_;  ///< [i]: weight of (gamma^(first_bucket_ + i - 1), gamma^(first_bucket_ + i)] microseconds
};

}  // namespace forewarm
