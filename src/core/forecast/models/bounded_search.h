#pragma once

#include <span>
#include <vector>

namespace forewarm {

/// A smooth function of several variables.
class SmoothFunction {
 public:
  virtual ~SmoothFunction() = default;
  /// Infinite where the function is not defined.
  virtual double value(std::span<const double> at) = 0;
  /// Writes the slopes at the place of the last value(), which was finite.
  virtual void gradient(std::span<double> slopes) = 0;
};

struct BoundedSearchSettings {
  int iterations_max = 100;
  double tolerance = 1e-6;  ///< stop once three iterations bring less than this
  double step_max = 1;      ///< no variable moves further in one iteration
};

/// Walks from `place` down to a minimum between the bounds and leaves the least place there; returns the
/// value. A projected quasi-Newton method: BFGS over the variables that are not held at a bound (Bertsekas
/// 1982, SIAM Journal on Control and Optimization 20), with a line search by backtracking. For some tens of
/// variables in units that make them alike. The function must be finite at the start. Of our own, because
/// LBFGSpp throws and Eigen's products block their sums by the processor's caches.
double search_between_bounds(SmoothFunction& function, std::span<const double> lower,
                             std::span<const double> upper, const BoundedSearchSettings& settings,
                             std::vector<double>& place);

}  // namespace forewarm
