#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "core/forecast/models/arima_process.h"

namespace forewarm {

/// What the exact Gaussian likelihood of a series under a process consists of, and where the process stands
/// after it.
struct ArimaInnovations {
  std::vector<double> standardized;  ///< one a step: surprise over its standard deviation (that of e is 1)
  double log_variances = 0;          ///< sum of the logarithms of the surprises' variances
  std::size_t counted = 0;           ///< steps that count in the likelihood
  std::vector<double> state;  ///< w expected of the next steps if no surprise comes: max(p, q + 1) values
  std::vector<double> past;   ///< the newest values of the series itself, oldest first; for differences
};

/// Innovations of differenced series without gaps that share one process, in time O(steps * (p + q)): the
/// Kalman filter in the Chandrasekhar form, which carries the change of its covariance as a product of
/// vectors (Morf, Sidhu and Kailath 1974; for ARMA: Melard 1984, A fast algorithm for the exact likelihood,
/// AS 197), with constant gain once that has converged. `columns` holds series of one length one after the
/// other, each already less its mean, and gets their standardized innovations. `result` has the rest, its
/// state that of the first. False when the process has no sensible start.
bool whiten(const ArimaProcess& process, std::span<double> columns, std::size_t steps,
            ArimaInnovations& result);

/// Innovations of a series with gaps (NaN), not differenced: the Kalman filter with the differences in the
/// state and a diffuse start for them (Gardner, Harvey and Phillips 1980, AS 154; Durbin and Koopman 2012,
/// section 5.6.3). Time is O(steps * state^2), with state = max(p, q + 1) + difference_reach().
bool filter_with_gaps(const ArimaProcess& process, std::span<const double> values, ArimaInnovations& result);

}  // namespace forewarm
