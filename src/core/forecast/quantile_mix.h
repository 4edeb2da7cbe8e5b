#pragma once

#include <cstddef>
#include <span>
#include <vector>

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
  static constexpr std::size_t kBands = 3;
  static constexpr std::size_t kBandEnds[kBands - 1] = {4, 16};  ///< leads up to which a band reaches
  static constexpr std::size_t kUpperLevels = 5;                 ///< the first level above the median

  static_assert(kForecastLevels[kUpperLevels - 1] == 0.5);

  static std::size_t band_of(std::size_t lead) {
    return lead <= kBandEnds[0] ? 0 : lead <= kBandEnds[1] ? 1 : 2;
  }

  /// The same for all sources where there are no points.
  static MixWeights learn(std::span<const MixPoint> points, std::size_t sources);

  bool uses(std::size_t lead, std::size_t source) const {
    return lower(lead, source) > 0 || upper(lead, source) > 0;
  }
  /// Adds a source's share to the mix.
  void add(std::size_t lead, std::size_t source, const LevelValues& said, LevelValues& mix) const {
    for (std::size_t level = 0; level < kForecastLevelCount; ++level) {
      mix[level] += (level < kUpperLevels ? lower(lead, source) : upper(lead, source)) * said[level];
    }
  }

  static void fields(auto& mix, auto& archive) {
    for (auto& band : mix.weights_) archive(band);
  }
  /// False when loaded weights cannot be those of `sources`.
  bool is_sound(std::size_t sources) const;

 private:
  double lower(std::size_t lead, std::size_t source) const { return weights_[band_of(lead)][source]; }
  double upper(std::size_t lead, std::size_t source) const {
    const std::vector<double>& weights = weights_[band_of(lead)];
    return weights[weights.size() / 2 + source];
  }

  /// By band: one weight a source for the levels up to the median, then one a source for those above.
  std::vector<double> weights_[kBands];
};

}  // namespace forewarm
