#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <vector>

#include "base/random.h"
#include "core/model/forecast.h"
#include "core/model/weighted_value.h"

namespace forewarm {

/// One value for each of kForecastLevels.
using LevelValues = std::array<double, kForecastLevelCount>;

/// The pinball (quantile) loss of predicting `quantile` at `level` when `value` came (Koenker and Bassett
/// 1978).
inline double pinball_loss(double value, double quantile, double level) {
  return value >= quantile ? level * (value - quantile) : (1 - level) * (quantile - value);
}

/// Quantiles of a weighted sample at the forecast's levels, linear between the sample's points, each of which
/// stands in the middle of its weight (Hazen's positions). Sorts the sample. The sample must not be empty.
LevelValues weighted_quantiles(std::span<WeightedValue> sample);

/// Appends a row that keeps every promise of Forecast, whatever came: finite, non-negative, non-decreasing.
void append_row(const LevelValues& row, std::vector<float>& values);

/// Joint paths through a forecast, row by row: each step's value is drawn from that step's own quantiles (so
/// the marginals agree with them at every level), and ranks of steps next to each other correlate by
/// `persistence`: a Gaussian copula with an autoregressive dependence (Pinson et al. 2009).
std::vector<float> draw_paths(const Forecast& forecast, double persistence, std::size_t count,
                              Random& random);

}  // namespace forewarm
