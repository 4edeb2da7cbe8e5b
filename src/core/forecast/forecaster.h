#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/random.h"
#include "base/result.h"
#include "core/forecast/quantile_set.h"
#include "core/model/forecast.h"

namespace forewarm {

/// Regressors side by side: one span for each, NaN where unknown.
using Columns = std::span<const std::span<const float>>;

/// A series and what is known beside it. Views: the caller keeps the data alive.
struct SeriesView {
  TimePoint start;  ///< of the first step; local wall-clock time where the caller knows it
  Duration step = 10s;
  std::span<const float> values;           ///< one a step; NaN = not measured
  Columns regressors;                      ///< each as long as `values`
  std::span<const std::uint32_t> seasons;  ///< periods in steps, ascending; may be empty
  Columns future = {};  ///< regressors from the next step on, each as far as it is known; empty: none is
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
  /// Quantiles for the `horizon` steps after the last one seen: finite, non-negative, ordered. Empty before a
  /// fit has succeeded. `future` has the regressors of the fit from the next step on, each as far as it is
  /// known (an empty one: not at all).
  Forecast predict(std::size_t horizon, Columns future) const;
  /// The same for some steps only, counted from 1; for a model that is fitted. Not yet made safe.
  virtual std::vector<LevelValues> rows(std::span<const std::size_t> leads, Columns future) const = 0;
  /// `count` joint paths, each `horizon` values, row by row; their marginals agree with predict().
  std::vector<float> sample_paths(std::size_t horizon, std::size_t count, Columns future,
                                  Random& random) const;
  /// Fitted state as bytes, and back. A state of another version or model is Invalid and changes nothing.
  virtual std::string save() const = 0;
  virtual Result<void> load(std::string_view state) = 0;

 protected:
  /// How far the surprise of one step goes on in the next: 0 not at all, towards 1 all.
  virtual double persistence() const = 0;
  void begin_after(const SeriesView& history) {
    start_ = history.start + history.step * static_cast<Duration::rep>(history.values.size());
    step_ = history.step;
  }
  /// Where the model stands: the first of its fields for saving and loading.
  static void progress(auto& model, auto& archive) {
    archive(model.fitted_);
    archive(model.start_);
    archive(model.step_);
  }
  void pass_step() { start_ = saturating_add(start_, step_); }

  bool fitted_ = false;
  TimePoint start_;  ///< of the step after the last one seen
  Duration step_ = 10s;
};

}  // namespace forewarm
