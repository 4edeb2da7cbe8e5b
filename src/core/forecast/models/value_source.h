#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/forecast/quantile_set.h"
#include "core/forecast/value_history.h"

namespace forewarm {

/// One way to pick past values that say what a future one may be.
struct ValueSource {
  enum class Kind : std::uint8_t {
    Phase,     ///< values of the same phase of a season, and of phases around it
    Levelled,  ///< the same, each scaled by how the level before now compares with the level before then
    Recent,    ///< the newest values, whatever their phase
  };
  Kind kind = Kind::Recent;
  std::uint32_t period = 0;  ///< season in steps; of Recent, the window
  std::uint32_t reach = 0;   ///< phases on each side that count too
  std::uint32_t cycles = 0;  ///< how many seasons back
  double keep = 1;           ///< weight of a season against the one after it
};

/// The sources that suit these seasons (ascending periods); the same for the same seasons.
std::vector<ValueSource> value_sources(std::span<const std::uint32_t> seasons);

/// What `source`, which looks at phases, says of step `target` when the values before `origin` are known:
/// quantiles at the forecast's levels. Where it has nothing to say (no whole season yet, only gaps) it
/// answers as `otherwise`. `sample` is scratch space.
LevelValues source_quantiles(const ValueHistory& history, const ValueSource& source, std::size_t origin,
                             std::size_t target, const LevelValues& otherwise,
                             std::vector<WeightedValue>& sample);

/// Quantiles of the newest `window` values before `origin`, newer ones weighing more; zeros when there are
/// none. Of a window longer than `points_max` about every n-th value.
LevelValues recent_quantiles(const ValueHistory& history, std::size_t window, std::size_t origin,
                             std::size_t points_max, std::vector<WeightedValue>& sample);

}  // namespace forewarm
