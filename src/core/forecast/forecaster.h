#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/random.h"
#include "base/result.h"
#include "core/model/forecast.h"

namespace forewarm {

/// A series and what is known beside it. Views: the caller keeps the data alive.
struct SeriesView {
  TimePoint start;
  Duration step = 10s;
  std::span<const float> values;           ///< one a step; NaN = not measured
  std::span<const Regressor> regressors;   ///< each aligned with `values`
  std::span<const std::uint32_t> seasons;  ///< periods in steps, ascending; may be empty
};

/// One model of one series. fit, then any number of update and predict. Not thread-safe; deterministic: the
/// same calls give the same bits.
class Forecaster {
 public:
  virtual ~Forecaster() = default;

  virtual ModelId id() const = 0;
  /// Learns from a whole history. Invalid when the series is too short or not usable for this model; the
  /// model then predicts nothing until a later fit succeeds.
  virtual Result<void> fit(const SeriesView& history) = 0;
  /// Takes one step more without a new fit, in bounded time. `regressors` has one value per regressor of the
  /// fit.
  virtual void update(float value, std::span<const float> regressors) = 0;
  /// Quantiles for the `horizon` steps after the last one seen: finite, non-negative, ordered.
  /// `future` are the regressors of the fit with their `future` filled where it is known.
  virtual Forecast predict(std::size_t horizon, std::span<const Regressor> future) const = 0;
  /// `count` joint paths, each `horizon` values, row by row; their marginals agree with predict().
  virtual std::vector<float> sample_paths(std::size_t horizon, std::size_t count,
                                          std::span<const Regressor> future, Random& random) const = 0;
  /// Fitted state as bytes, and back. A state of another version or model is Invalid and changes nothing.
  virtual std::string save() const = 0;
  virtual Result<void> load(std::string_view state) = 0;
};

std::unique_ptr<Forecaster> make_seasonal_quantiles();
std::unique_ptr<Forecaster> make_exponential_smoothing();
/// All models that take part in the choice, in the order of ModelId.
std::vector<std::unique_ptr<Forecaster>> make_all_forecasters();

}  // namespace forewarm
