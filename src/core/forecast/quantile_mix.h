#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "core/forecast/lead_band.h"
#include "core/forecast/quantile_set.h"

namespace forewarm {

/// One past step, and what each of several sources would have said of it.
struct MixPoint {
  std::vector<LevelValues> said;  ///< by source
  double value = 0;
  std::size_t lead = 1;  ///< steps ahead, from 1
};

/// How much each of several sources counts at a lead.
///
/// The mix is the weighted mean of the sources' quantiles. Its pinball loss is convex in the weights, so
/// they are learnt jointly by exponentiated gradient (Kivinen and Warmuth 1997): unlike a choice by each
/// source's own loss, this finds sources that are good together. Weights differ by lead: the level now
/// matters for the next steps, the season for later ones. And they differ below and above the median.
class MixWeights {
 public:
  static constexpr std::size_t kUpperLevels = 5;  ///< the first level above the median

  static_assert(kForecastLevels[kUpperLevels - 1] == 0.5);

  /// The same for all sources where there are no points.
  static MixWeights learn(std::span<const MixPoint> points, std::size_t sources);

  bool uses(const BetweenBands& at, std::size_t source) const {
    return lower(at, source) > 0 || upper(at, source) > 0;
  }
  /// Adds a source's share to the mix.
  void add(const BetweenBands& at, std::size_t source, const LevelValues& said, LevelValues& mix) const {
    const double low = lower(at, source), high = upper(at, source);
    for (std::size_t level = 0; level < kForecastLevelCount; ++level)
      mix[level] += (level < kUpperLevels ? low : high) * said[level];
  }

  static void fields(auto& mix, auto& archive) {
    for (auto& band : mix.weights_) archive(band);
  }
  /// False when loaded weights cannot be those of `sources`.
  bool is_sound(std::size_t sources) const;

 private:
  double lower(const BetweenBands& at, std::size_t source) const {
    return at.of(weights_[at.near][source], weights_[at.far][source]);
  }
  double upper(const BetweenBands& at, std::size_t source) const {
    const std::size_t first = weights_[at.near].size() / 2;
    return at.of(weights_[at.near][first + source], weights_[at.far][first + source]);
  }

  /// By band: one weight a source for the levels up to the median, then one a source for those above.
  std::vector<double> weights_[kLeadBands];
};

}  // namespace forewarm
