#pragma once

#include <Eigen/Dense>

#include <cstdint>
#include <span>
#include <vector>

#include "core/forecast/forecaster.h"

namespace forewarm {

/// A column of a regression over time: a power of a regressor, or 1, times a wave of a season, or 1.
struct RegressionFeature {
  static constexpr std::uint32_t kNoRegressor = 0xffff'ffff;

  std::uint32_t regressor = kNoRegressor;
  std::uint32_t power = 1;   ///< of the standardized regressor
  std::uint32_t period = 1;  ///< steps
  std::uint32_t order = 0;   ///< cycles a period; 0: no wave
  std::uint32_t cosine = 0;  ///< 1: cosine, 0: sine

  bool has_regressor() const { return regressor != kNoRegressor; }
  friend bool operator==(const RegressionFeature&, const RegressionFeature&) = default;
};

/// Takes a regressor to mean 0 and variance 1. What is not known is its mean.
struct RegressorScale {
  double mean = 0;
  double deviation = 1;

  double standardized(double value) const;
};

RegressorScale scale_of(std::span<const float> values);

/// Value of a feature at a step; `regressors` are standardized.
double feature_value(const RegressionFeature& feature, std::uint64_t step,
                     std::span<const double> regressors);

/// Steps 0 .. steps - 1 by features. Regressors are as long as `steps`, one scale each.
Eigen::MatrixXd design_matrix(std::span<const RegressionFeature> features, std::size_t steps,
                              Columns regressors, std::span<const RegressorScale> scales);

/// False when loaded features or scales cannot be ones of `regressors` many regressors.
bool are_sound(std::span<const RegressionFeature> features, std::span<const RegressorScale> scales);

}  // namespace forewarm
