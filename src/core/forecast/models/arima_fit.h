#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "core/forecast/models/arima_filter.h"
#include "core/forecast/models/arima_process.h"

namespace forewarm {

/// A series as a fit of some order needs it: differenced, of variance 1, gaps filled and known as such.
class ArimaSeries {
 public:
  /// Differences of `order`; NaN = not measured. Gaps are filled by the season or a straight line.
  ArimaSeries(std::span<const double> values, const ArimaOrder& order);

  std::span<const double> values() const { return values_; }       ///< the series itself, with its gaps
  std::span<const double> filled() const { return filled_; }       ///< the same without gaps
  std::span<const double> differenced() const { return scaled_; }  ///< over scale()
  bool counts(std::size_t t) const { return counts_[t] != 0; }  ///< false where a gap is behind a difference
  bool has_gaps() const { return counted_ < scaled_.size(); }
  std::size_t counted() const { return counted_; }
  double scale() const { return scale_; }
  double mean() const { return mean_; }  ///< of differenced()

 private:
  std::vector<double> values_, filled_, scaled_;
  std::vector<char> counts_;
  std::size_t counted_ = 0;
  double scale_ = 1, mean_ = 0;
};

struct ArimaFit {
  ArimaOrder order;
  std::vector<double> free;          ///< one a lag, see to_coefficients; a later fit may start from them
  std::vector<double> coefficients;  ///< p, q, P, Q
  double mean = 0;                   ///< of the differenced series
  double variance = 0;               ///< of a surprise
  double log_likelihood = 0;
  double aicc = 0;  ///< Akaike's criterion with the correction for short series (Hurvich and Tsai 1989)

  ArimaProcess process() const { return multiply_out(order, coefficients, mean); }
};

/// Least conditional sum of squares: surprises before the longest lag are taken as zero. Fast for any
/// period. `start`: a fit of a neighbouring order, or null.
ArimaFit fit_conditional(const ArimaSeries& series, const ArimaOrder& order, const ArimaFit* start,
                         int steps_max = 8);

/// Greatest exact Gaussian likelihood from the conditional fit on: the variance is concentrated out and the
/// rest is a sum of squares (Harvey and Phillips 1979), so that both fits are Gauss-Newton steps in
/// the manner of Levenberg and Marquardt. With gaps by the slow filter.
ArimaFit fit_likelihood(const ArimaSeries& series, const ArimaFit& conditional);

/// Multiplications that the exact likelihood costs at one point, roughly.
double likelihood_cost(const ArimaSeries& series, const ArimaOrder& order);

}  // namespace forewarm
