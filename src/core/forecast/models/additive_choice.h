#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "core/forecast/forecaster.h"
#include "core/forecast/models/additive_walk.h"

namespace forewarm {

struct AdditiveChoice {
  std::size_t steps = 0;  ///< of the history that were used, the newest; a fit's steps count from the first
  AdditiveVariant plain;
  std::optional<AdditiveVariant> driven;  ///< with regressors, where they help
};

/// Chooses growth, how effects enter, the number of harmonics and whether regressors help, by the errors in
/// the last third of the history, which the fits so compared have not seen; then fits the whole of it. At
/// least two steps must have been measured.
AdditiveChoice choose_additive(const SeriesView& history);

}  // namespace forewarm
