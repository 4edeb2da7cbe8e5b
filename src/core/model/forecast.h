#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "core/model/ids.h"

namespace forewarm {

/// The levels at which every forecast gives its quantiles, ascending.
inline constexpr double kForecastLevels[] = {0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99};
inline constexpr std::size_t kForecastLevelCount = sizeof(kForecastLevels) / sizeof(double);

enum class ModelId : std::uint8_t {
  None,
  SeasonalQuantiles,
  ExponentialSmoothing,
  Arima,
  HarmonicRegression,
  Additive,
  Intermittent,
  CountState,
  Batches,
  LocalArrivals,
  DirectRegression,
  RecurrentNetwork,
  BoostedTrees,
  Ensemble
};
inline constexpr std::array<std::string_view, 14> kModelNames = {"none",
                                                                 "seasonal_quantiles",
                                                                 "exponential_smoothing",
                                                                 "arima",
                                                                 "harmonic_regression",
                                                                 "additive",
                                                                 "intermittent",
                                                                 "count_state",
                                                                 "batches",
                                                                 "local_arrivals",
                                                                 "direct_regression",
                                                                 "recurrent_network",
                                                                 "boosted_trees",
                                                                 "ensemble"};
static_assert(static_cast<std::size_t>(ModelId::Ensemble) + 1 == kModelNames.size());

/// Quantiles of arrivals per step over a horizon. Row h covers [start + h * step, start + (h + 1) * step).
struct Forecast {
  TimePoint start;
  Duration step = 10s;
  std::vector<float>
      values;  ///< horizon x kForecastLevelCount, messages per step; non-negative, non-decreasing in level

  std::size_t horizon() const { return values.size() / kForecastLevelCount; }
  float at(std::size_t h, std::size_t level) const { return values[h * kForecastLevelCount + level]; }
  /// The quantile at any level in (0, 1), linear between the given levels and flat outside them.
  double quantile(std::size_t h, double level) const;

  friend bool operator==(const Forecast&, const Forecast&) = default;
};

struct ModelForecast {
  ModelId model = ModelId::None;
  Forecast forecast;

  friend bool operator==(const ModelForecast&, const ModelForecast&) = default;
};

/// An external series, aligned with the history's steps. NaN where unknown.
struct Regressor {
  SignalId signal;
  std::vector<float> past;    ///< one value a step of the history
  std::vector<float> future;  ///< one a step of the horizon where the future is known, else empty

  friend bool operator==(const Regressor&, const Regressor&) = default;
};

/// All that a fit needs; the answer is a ForecastFitted with the same serial. Data in, data out, so that it
/// can run in another process or be skipped.
struct FitRequest {
  QueueId queue;
  std::uint64_t serial = 0;
  TimePoint start;  ///< of the first step
  Duration step = 10s;
  std::vector<float>
      arrivals;  ///< messages per step, oldest first; NaN where nothing was measured (a gap is no zero)
  std::vector<Regressor> regressors;
  std::vector<std::uint32_t> seasons;  ///< periods in steps; empty: find them
  std::uint16_t horizon = 60;

  friend bool operator==(const FitRequest&, const FitRequest&) = default;
};

}  // namespace forewarm
