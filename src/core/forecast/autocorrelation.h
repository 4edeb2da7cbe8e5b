#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace forewarm {

/// Sums over t of x[t] * x[t + lag] for lag 0 .. lag_max, by the convolution theorem with an own radix-2
/// transform (Cooley and Tukey 1965): O(n log n) where the direct sums would take O(n * lag_max). Twiddle
/// factors come from the half-angle formulas, so the bits do not depend on a library's sine.
std::vector<double> autocorrelation_sums(std::span<const double> x, std::size_t lag_max);

}  // namespace forewarm
