#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace forewarm {

/// The order (p, d, q)(P, D, Q) of a seasonal ARIMA model.
struct ArimaOrder {
  static constexpr std::uint8_t kLagsMax = 5;          ///< of p and q
  static constexpr std::uint8_t kSeasonalLagsMax = 2;  ///< of P and Q

  std::uint8_t ar = 0, differences = 0, ma = 0;
  std::uint8_t seasonal_ar = 0, seasonal_differences = 0, seasonal_ma = 0;
  bool constant = false;     ///< mean of the differenced series: a level, or a drift
  std::uint32_t period = 1;  ///< steps; 1: no season

  std::size_t lags() const { return std::size_t{0} + ar + ma + seasonal_ar + seasonal_ma; }
  std::size_t parameters() const { return lags() + (constant ? 1 : 0); }
  std::size_t ar_reach() const { return ar + std::size_t{period} * seasonal_ar; }
  std::size_t ma_reach() const { return ma + std::size_t{period} * seasonal_ma; }
  /// Steps that differencing takes from the beginning of a series.
  std::size_t lost() const { return differences + std::size_t{period} * seasonal_differences; }

  friend bool operator==(const ArimaOrder&, const ArimaOrder&) = default;
};

/// What `lag` steps ago counts.
struct LagWeight {
  std::uint64_t lag = 1;  ///< as wide as the weight, so that no byte of it is left undefined in a saved state
  double weight = 0;
};

/// A seasonal ARIMA model, its polynomials multiplied out. With w the differenced series less `mean` and e
/// the surprises: w(t) = sum ar w(t - lag) + e(t) + sum ma e(t - lag); and for the series itself
/// y(t) = w(t) + mean + sum differences y(t - lag).
struct ArimaProcess {
  std::vector<LagWeight> ar, ma, differences;
  double mean = 0;

  /// Longest lag of the three; 0 for white noise.
  std::size_t ar_reach() const;
  std::size_t ma_reach() const;
  std::size_t difference_reach() const;
  /// Correlation of the errors of forecasts `lead` and lead + 1 steps ahead from one origin.
  double persistence(std::size_t lead) const;
};

/// The coefficients in the order p, q, P, Q (R's order and signs) to the multiplied polynomials.
ArimaProcess multiply_out(const ArimaOrder& order, std::span<const double> coefficients, double mean);

/// Any real numbers, one a lag, to coefficients of a stationary and invertible model: each is taken to a
/// partial autocorrelation by the hyperbolic tangent and these by the Durbin-Levinson recursion to
/// coefficients (Monahan 1984, A note on enforcing stationarity in autoregressive-moving average models).
std::vector<double> to_coefficients(const ArimaOrder& order, std::span<const double> free);

/// The differenced series; the first order.lost() values are gone. NaN wherever a value that it needs is.
std::vector<double> difference(std::span<const double> values, const ArimaOrder& order);

/// Autocovariances of w at lags 0 .. ar_reach for surprises of variance 1, from the Yule-Walker equations of
/// a mixed process (Brockwell and Davis 1991, section 3.3). Empty where they have no sensible solution.
std::vector<double> autocovariances(const ArimaProcess& process);

/// The first `count` weights of the process as a sum of past surprises: 1, psi_1, ... (w alone).
std::vector<double> psi_weights(const ArimaProcess& process, std::size_t count);

}  // namespace forewarm
