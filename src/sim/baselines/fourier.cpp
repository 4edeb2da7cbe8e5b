#include "sim/baselines/fourier.h"

#include <cmath>
#include <cstddef>
#include <numbers>

namespace forewarm {
namespace {

using Values = std::vector<std::complex<double>>;

std::size_t smallest_factor(std::size_t number) {
  for (std::size_t factor = 2; factor * factor <= number; ++factor) {
    if (number % factor == 0) return factor;
  }
  return number;
}

/// Transforms `values`; roots[k * stride] is the k-th power of this length's root of unity.
void fourier_part(std::span<std::complex<double>> values, const Values& roots, std::size_t stride) {
  const std::size_t length = values.size();
  if (length < 2) return;
  const std::size_t factor = smallest_factor(length);
  const std::size_t part = length / factor;
  Values parts(length);
  for (std::size_t i = 0; i < length; ++i) parts[i % factor * part + i / factor] = values[i];
  for (std::size_t r = 0; r < factor; ++r)
    fourier_part(std::span(parts).subspan(r * part, part), roots, stride * factor);
  for (std::size_t k = 0; k < length; ++k) {
    values[k] = 0;
    for (std::size_t r = 0; r < factor; ++r)
      values[k] += parts[r * part + k % part] * roots[r * k % length * stride];
  }
}

}  // namespace

void fourier(std::vector<std::complex<double>>& values, Transform direction) {
  Values roots(values.size());
  const double turn = (direction == Transform::Forward ? -2 : 2) * std::numbers::pi;
  for (std::size_t k = 0; k < roots.size(); ++k)
    roots[k] = std::polar(1.0, turn * static_cast<double>(k) / static_cast<double>(roots.size()));
  fourier_part(values, roots, 1);
}

}  // namespace forewarm
