#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "app/backtest_models.h"
#include "core/forecast/backtest/rolling_origin.h"
#include "core/forecast/backtest/score.h"
#include "core/forecast/ensemble/forecast_reason.h"
#include "edge/trace/recorded_series.h"

namespace forewarm {

/// Recorded series, and how models shall forecast them on a rolling origin
/// (docs/backtest.md).
struct BacktestOptions {
  std::vector<BacktestModel> models;
  Duration horizon = Duration(0);  ///< 0: 30 steps
  std::size_t origins = 50;
  Duration every = Duration(0);   ///< from one origin to the next; 0: so that
                                  ///< they cover the second half
  Duration window = Duration(0);  ///< that a fit sees; 0: all
  std::size_t refit_every = 1;    ///< origins from one fit to the next
  bool future_regressors = true;
  std::size_t series_max = 10;  ///< the busiest
  std::size_t series_kept = 0;  ///< of how many forecasts are kept for a picture
  /// Told the share that is done, and what is at work.
  std::function<void(double share, const std::string& what)> progress = {};
};

/// A forecast kept for a picture.
struct KeptForecast {
  std::size_t origin = 0;
  Forecast forecast;
};

/// One model on one series.
struct BacktestRun {
  ForecastScore score;
  std::vector<double> losses;  ///< mean pinball loss by origin; NaN where nothing was measured
  std::vector<KeptForecast> kept;
  /// By origin, of an ensemble whose forecasts are kept: what its mix was made of.
  std::vector<std::vector<ForecastReason>> carriers;
};

struct BacktestSeries {
  RecordedSeries series;
  std::size_t horizon = 0;  ///< steps
  std::uint32_t season = 1;
  std::vector<std::size_t> origins;
  std::vector<BacktestRun> runs;  ///< by model, seasonal naive last
};

struct BacktestReport {
  std::string source;
  std::vector<std::string> models;    ///< names, seasonal naive last
  std::vector<ForecastScore> league;  ///< by model, over all series
  std::vector<BacktestSeries> series;
  std::size_t left_out = 0;           ///< quieter series than the ones that were taken
  std::vector<std::string> unusable;  ///< series without any arrival to learn from, or too short
  std::size_t window = 0, refit_every = 1;
};

/// Name of the yardstick in reports.
inline constexpr const char* kYardstickName = "seasonal_naive";

/// Runs it. Invalid, with what to change, when no series is long enough.
Result<BacktestReport> backtest(const std::string& source, std::vector<RecordedSeries> series,
                                const BacktestOptions& options);

/// The league table, and where models lose to it.
std::string backtest_table(const BacktestReport& report);
/// One JSON object (docs/backtest.md); with `pictures` also the kept forecasts
/// and the values around them.
std::string backtest_json(const BacktestReport& report, bool pictures);
/// One self-contained page.
std::string backtest_html(const BacktestReport& report);

}  // namespace forewarm
