#pragma once

#include <cstdint>
#include <limits>
#include <span>

#include "core/forecast/models/smoothing_state.h"

namespace forewarm {

/// One form of exponential smoothing with the parameters and initial states of greatest likelihood.
struct SmoothingEstimate {
  SmoothingParameters parameters;
  SmoothingState initial;  ///< before the first value; its form is the estimate's
  double log_likelihood = 0;
  /// Akaike's criterion corrected for few values; infinite: nothing could be estimated.
  double aicc = std::numeric_limits<double>::infinity();
};

/// Maximum likelihood by a bounded quasi-Newton method. `period` (0: none) is the season's. A form that has
/// more unknowns than the values can tell, or does not suit them, has an infinite criterion.
SmoothingEstimate estimate_smoothing(std::span<const double> values, const SmoothingForm& form,
                                     std::uint32_t period);

/// The admissible form of least AICc without multiplicative trends, which explode (Hyndman et al. 2008,
/// chapter 2.8). A season and multiplicative errors are tried where period and values allow them. Short
/// series try every form; long ones, in steps: error and season, then the trend.
SmoothingEstimate choose_smoothing_form(std::span<const double> values, std::uint32_t period,
                                        bool additive_only = false);

}  // namespace forewarm
