#pragma once

#include <cstddef>
#include <vector>

#include "core/forecast/value_source.h"

namespace forewarm {

/// How much each source counts at a lead, learnt from what each would have said of the recent past.
///
/// The forecast is the weighted mean of the sources' quantiles. Its pinball loss is convex in the weights, so
/// they are learnt jointly by exponentiated gradient (Kivinen and Warmuth 1997): unlike a choice by each
/// source's own loss, this finds sources that are good together. Weights differ by lead: the level now
/// matters for the next steps, the season for later ones.
class SourceWeights {
 public:
  static constexpr std::size_t kBands = 3;
  static constexpr std::size_t kBandEnds[kBands - 1] = {4,
                                                        16};  ///< leads (from 1) up to which a band reaches

  static std::size_t band_of(std::size_t lead) {
    return lead <= kBandEnds[0] ? 0 : lead <= kBandEnds[1] ? 1 : 2;
  }

  /// Learns from at most a few hundred steps of `history`.
  void learn(const ValueHistory& history, const std::vector<ValueSource>& sources);

  /// One weight a source for the levels up to the median, then one a source for those above.
  const std::vector<double>& at(std::size_t band) const { return weights_[band]; }
  std::vector<double>& at(std::size_t band) { return weights_[band]; }

 private:
  std::vector<double> weights_[kBands];
};

/// The weighted mean of the sources' quantiles for `target`, known up to `origin`. `recent` holds what each
/// Recent source says at this origin (recent_of), since that is the same for all targets.
LevelValues combined_quantiles(const ValueHistory& history, const std::vector<ValueSource>& sources,
                               const std::vector<double>& weights, const std::vector<LevelValues>& recent,
                               std::size_t origin, std::size_t target, std::vector<WeightedValue>& sample);

/// What each source says at `origin` that looks at no phase; zeros in the others' places.
std::vector<LevelValues> recent_of(const ValueHistory& history, const std::vector<ValueSource>& sources,
                                   std::size_t origin);

}  // namespace forewarm
