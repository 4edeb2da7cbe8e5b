#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/forecast/quantile_set.h"
#include "core/forecast/value_history.h"

namespace forewarm {

/// The sizes of demands that a future one may have: a weighted sample, sorted, whose quantiles are linear
/// between its points.
class SizeSample {
 public:
  /// Sorts `sizes`, which must not be empty.
  explicit SizeSample(std::vector<WeightedValue> sizes);

  /// Quantiles, at the forecast's levels, of a step that has a demand with `probability` and is zero
  /// otherwise.
  LevelValues compound(double probability) const;

 private:
  std::vector<WeightedValue> points_;  ///< weight: the share of the sample up to the point's middle
};

/// The newest sizes, newest last.
class RecentSizes {
 public:
  static constexpr std::size_t kKept = 64;

  void push(double size);
  /// Newest sizes weigh most, each older one less by `keep`; at most `most` of them. Added to `sample`
  /// times `weight`.
  void add(double keep, std::size_t most, double weight, std::vector<WeightedValue>& sample) const;

  static void fields(auto& sizes, auto& archive) { archive(sizes.sizes_); }
  bool is_sound() const;

 private:
  std::vector<double> sizes_;
};

/// Adds the demands at the phase of step `target` in earlier cycles that end before `origin`, newer ones
/// weighing more; at most `most` of them. Returns how many.
std::size_t add_phase_sizes(const ValueHistory& history, std::uint32_t period, std::size_t origin,
                            std::size_t target, std::size_t most, std::vector<WeightedValue>& sample);

}  // namespace forewarm
