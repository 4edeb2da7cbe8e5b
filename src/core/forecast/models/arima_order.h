#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "core/forecast/models/arima_fit.h"

namespace forewarm {

struct ArimaSearch {
  std::uint32_t period = 1;           ///< steps; 1: no season
  std::uint8_t differences_max = 1;   ///< d; two make forecasts run away along the last slope
  std::size_t orders_max = 30;        ///< tried by conditional sums of squares
  std::size_t finalists = 3;          ///< fitted again by exact likelihood
  std::size_t steps_max = 100'000;    ///< newest steps on which orders compete; the winner is fitted to all
  double likelihood_cost_max = 1e30;  ///< of the exact likelihood; above, the conditional fits decide
};

/// Share of a detrended series' variance that its season explains, in [0, 1]: 1 - Var(rest) / Var(season +
/// rest) (Wang, Smith and Hyndman 2006), with a centred moving average for the trend and phase means for the
/// season. 0 below two cycles. Values without gaps.
double seasonal_strength(std::span<const double> values, std::size_t period);

/// The KPSS statistic of level stationarity (Kwiatkowski, Phillips, Schmidt and Shin 1992); above 0.463
/// stationarity is rejected at 5 %. The window is trunc(3 sqrt(n) / 13) lags.
double kpss_statistic(std::span<const double> values);

/// The differences that a series needs: seasonal by strength (once at most), then by KPSS. The period is 1
/// where fewer than three cycles are there.
ArimaOrder differences_of(std::span<const double> values, const ArimaSearch& search);

/// The order of Hyndman and Khandakar (2008): seasonal difference by strength, differences by KPSS, the rest
/// and the constant stepwise by AICc. Values may have gaps (NaN) and must have one that is measured.
ArimaFit search_arima(std::span<const double> values, const ArimaSearch& search);

}  // namespace forewarm
