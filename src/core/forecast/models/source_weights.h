#pragma once

#include <cstddef>
#include <vector>

#include "core/forecast/models/value_source.h"
#include "core/forecast/quantile_mix.h"

namespace forewarm {

/// How much each source counts, learnt from what each would have said of at most a few hundred steps.
MixWeights learn_weights(const ValueHistory& history, const std::vector<ValueSource>& sources);

/// The weighted mean of the sources' quantiles for `target`, known up to `origin`. `recent` holds what each
/// Recent source says at this origin (recent_of), since that is the same for all targets.
LevelValues combined_quantiles(const ValueHistory& history, const std::vector<ValueSource>& sources,
                               const MixWeights& weights, const std::vector<LevelValues>& recent,
                               std::size_t origin, std::size_t target, std::vector<WeightedValue>& sample);

/// What each source says of `target`, one after the other.
std::vector<LevelValues> all_quantiles(const ValueHistory& history, const std::vector<ValueSource>& sources,
                                       const std::vector<LevelValues>& recent, std::size_t origin,
                                       std::size_t target, std::vector<WeightedValue>& sample);

/// What each source says at `origin` that looks at no phase; zeros in the others' places.
std::vector<LevelValues> recent_of(const ValueHistory& history, const std::vector<ValueSource>& sources,
                                   std::size_t origin);

}  // namespace forewarm
