#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "core/forecast/quantile_set.h"

namespace forewarm {

/// How good forecasts of one series, or of several, were. Losses: less is
/// better.
struct ForecastScore {
  static constexpr std::size_t kThirds = 3;
  static constexpr std::size_t kPitBins = 20;

  std::size_t series = 0;
  std::size_t origins = 0;
  std::size_t steps = 0;  ///< forecast steps that were measured
  /// 200 |y - q50| / (|y| + |q50|), 0 where both are 0, mean (Makridakis 1993;
  /// of little use near zero).
  double smape = 0;
  /// mean |y - q50| over the seasonal naive's mean absolute error in the
  /// history (Hyndman and Koehler 2006).
  double mase = 0;
  /// By level: 2 sum of pinball losses / max(sum |y|, half of what the
  /// history's mean would give): weighted quantile loss (Koenker and Bassett
  /// 1978), safe on silent horizons. 2 * loss so that the median's is WAPE.
  LevelValues wql{};
  double wql_mean = 0;  ///< over the nine levels; near CRPS / mean
  /// Geometric mean over series of (wql_mean + .005) / (the yardstick's +
  /// .005).
  double relative = 0;
  LevelValues coverage{};                              ///< share of y <= quantile, by level
  std::array<LevelValues, kThirds> coverage_thirds{};  ///< the same for each third of the horizon
  /// Percentage points from a level p to the interval [share of y < q, share of
  /// y <= q], mean over 50, 90, 95 and 99 %, quantiles of whole numbers
  /// rounded: 0 is calibrated as far as counts can tell.
  double calibration_error = 0;
  /// The same with its sign, by level and third, as a share: below 0 where too
  /// few values are covered.
  std::array<LevelValues, kThirds> miss_thirds{};
  std::array<double, kThirds> calibration_error_thirds{};
  /// Relative density of the probability integral transform in bins of .05; all
  /// 1 when calibrated. A count's probability is spread over its interval
  /// (Czado, Gneiting and Held, Biometrics 65, 2009).
  std::array<double, kPitBins> pit{};
  std::size_t fits = 0;
  std::size_t stand_ins = 0;       ///< origins at which the model had no forecast
  double cpu_seconds_per_fit = 0;  ///< fit and forecast
};

/// Adds up the forecasts of one series, origin by origin.
class ScoreSums {
 public:
  /// `season`: the period of MASE's scale, at least 1.
  explicit ScoreSums(std::uint32_t season);

  struct Origin {
    std::span<const float> came;     ///< NaN where nothing was measured
    std::span<const float> history;  ///< what was known
    std::size_t stand_ins = 0;
    std::size_t fits = 0;
    double fit_cpu_seconds = 0;
  };
  /// `forecast` has a row for each step that came. An origin of which nothing
  /// was measured counts for nothing but cost.
  void add(const Forecast& forecast, const Origin& origin);
  /// Mean pinball loss per step and level of each origin, NaN where nothing was
  /// measured: for plots.
  const std::vector<double>& losses() const { return losses_; }

 private:
  friend ForecastScore score_of(std::span<const ScoreSums> series, std::span<const ScoreSums> yardstick);

  /// Shares of values below, and not above, each level's quantile.
  struct Cover {
    LevelValues upto{}, below_whole{}, upto_whole{};  ///< whole: quantiles of counts rounded
    double count = 0;

    void add(const Forecast& forecast, std::size_t row, double value, bool counts);
    void add_mean(const Cover& part);
    double miss(std::size_t level) const;
    double calibration_error() const;
  };
  using Covers = std::array<Cover, ForecastScore::kThirds + 1>;  ///< by third; the last over all
  void add_cover(const Forecast& forecast, std::span<const float> came, bool counts);
  void add_pit(const Forecast& forecast, std::size_t row, double value, bool counts);
  /// Adds this series' means.
  void add_to(ForecastScore& score, Covers& covers) const;
  double wql_mean() const;
  double denominator() const;

  std::uint32_t season_;
  std::size_t origins_ = 0, steps_ = 0, fits_ = 0, stand_ins_ = 0;
  double smape_ = 0, mase_ = 0, cpu_seconds_ = 0;
  double came_ = 0,
         expected_ = 0;  ///< sum |y|; half of what the mean would give
  LevelValues pinball_{};
  Covers covers_{};
  std::array<double, ForecastScore::kPitBins> pit_{};
  std::vector<double> losses_;
};

/// One score of one or more series: within a series the mean over origins, then
/// over series, each weighing the same. `yardstick` has the sums of the
/// yardstick for the same series; empty: relative stays 0.
ForecastScore score_of(std::span<const ScoreSums> series, std::span<const ScoreSums> yardstick);

}  // namespace forewarm
