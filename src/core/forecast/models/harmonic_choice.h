#pragma once

#include <span>
#include <vector>

#include "core/forecast/models/regression_design.h"

namespace forewarm {

/// Which features explain a series, and how well.
struct HarmonicChoice {
  std::vector<RegressionFeature> base;        ///< constant and waves
  std::vector<RegressionFeature> regressors;  ///< what known regressors add; empty when they do not help
  double ridge = 0;                           ///< on the regressors' features
  double correlation = 0;                     ///< of neighbouring errors
};

/// Chooses by squared errors on blocks of neighbouring steps that the weights were not fitted on (Burman,
/// Chow and Nolan 1994), after errors were made nearly white by their first autocorrelation: first how many
/// harmonics of each season, the shortest first, then which regressors, with their squares or, if they have
/// two values only, with a daily shape of their own, and how much these are shrunk. `values` may have gaps
/// (NaN). Seasons that do not come twice are left out.
HarmonicChoice choose_harmonics(std::span<const double> values, std::span<const std::uint32_t> seasons,
                                Columns regressors, std::span<const RegressorScale> scales);

}  // namespace forewarm
