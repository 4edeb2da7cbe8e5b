#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "core/forecast/forecaster.h"

namespace forewarm {

/// Where forecasts of a past series are made, and what a model may look at there.
struct BacktestPlan {
  std::vector<std::size_t> origins;  ///< ascending; a forecast at o has seen the first o steps
  std::size_t horizon = 1;           ///< steps forecast at each origin
  std::size_t window = 0;            ///< newest steps that a fit sees; 0: all since the start (expanding)
  std::size_t refit_every = 1;       ///< origins from one fit to the next; updates between them
  std::vector<std::uint32_t> seasons = {};  ///< periods that the operator knows; what a fit's window shows is
                                            ///< added
  bool future_regressors = false;           ///< regressors are known ahead, as a calendar is
};

/// The last `count` origins of a series, `stride` steps apart, that leave a whole horizon to compare with;
/// fewer where the series is shorter. Ascending.
std::vector<std::size_t> last_origins(std::size_t steps, std::size_t horizon, std::size_t count,
                                      std::size_t stride);

/// One forecast of a backtest.
struct OriginForecast {
  std::size_t index = 0;   ///< of the origin in the plan
  std::size_t origin = 0;  ///< steps that were known
  bool refitted = false;
  bool stands_in = false;   ///< the model had none, so this is seasonal naive's
  double cpu_seconds = 0;   ///< of the fit or the updates, and of the forecast
  std::size_t updates = 0;  ///< steps taken without a fit
  Forecast forecast;        ///< of the plan's whole horizon
};

/// Evaluation on a rolling origin (Tashman, Out-of-sample tests of forecasting accuracy, International
/// Journal of Forecasting 16, 2000): a model is fitted to what lies before an origin, forecasts what comes
/// after, is moved on to the next origin step by step, and fitted again every few origins.
///
/// Look-ahead is impossible and not just avoided: a model is handed spans that end at the origin and, of what
/// comes later, only regressors that the plan says are known ahead. Seasons are searched for in the same
/// spans.
class RollingOrigin {
 public:
  /// The series is a view: the caller keeps its data alive. Invalid, with what to change, when the plan does
  /// not fit the series.
  static Result<RollingOrigin> make(const SeriesView& series, BacktestPlan plan);

  const BacktestPlan& plan() const { return plan_; }
  /// What a fit at this origin may see; its seasons are those of the last origin with a fit.
  SeriesView history(std::size_t index) const;
  /// What came after it: `horizon` values, NaN where nothing was measured.
  std::span<const float> came(std::size_t index) const;
  /// The period that MASE and the yardstick compare with: the operator's shortest, else the shortest found at
  /// the first origin, else 1.
  std::uint32_t season() const { return season_; }
  /// Seasonal naive at that period with the empirical quantiles of its own errors in the window: what every
  /// model must beat, and what stands in for one that cannot be fitted.
  Forecast yardstick(std::size_t index) const;

  /// CPU seconds used so far by the caller's thread; the core has no clock.
  using CpuClock = std::function<double()>;
  /// Takes a fresh model through all origins and shows each forecast.
  void run(Forecaster& model, const CpuClock& cpu_clock,
           const std::function<void(const OriginForecast&)>& show) const;

 private:
  RollingOrigin(const SeriesView& series, BacktestPlan plan);
  std::size_t first_step(std::size_t origin) const;
  std::vector<std::span<const float>> regressors(std::size_t from, std::size_t to) const;
  /// Moves the model on from one origin to the next.
  void update(Forecaster& model, std::size_t from, std::size_t to) const;

  SeriesView series_;
  BacktestPlan plan_;
  std::vector<std::vector<std::uint32_t>> seasons_;                 ///< by fit
  std::vector<std::vector<std::span<const float>>> past_, future_;  ///< regressors by origin
  std::uint32_t season_ = 1;
};

/// Seasonal naive with the empirical quantiles of its own errors over `values`, lag by lag; all zeros when
/// nothing was measured. `season` at least 1.
std::vector<LevelValues> seasonal_naive(std::span<const float> values, std::uint32_t season,
                                        std::size_t horizon);

}  // namespace forewarm
