#pragma once

#include <complex>
#include <span>
#include <vector>

namespace forewarm {

enum class Transform { Forward, Inverse };

/// The discrete Fourier transform in place, of any length, by its prime factors (Cooley and Tukey 1965): O(n
/// times the sum of the factors). Neither direction divides by the length.
void fourier(std::vector<std::complex<double>>& values, Transform direction);

}  // namespace forewarm
