#include "core/forecast/autocorrelation.h"

#include <bit>
#include <utility>

#include "base/check.h"
#include "base/math.h"

namespace forewarm {
namespace {

struct Complex {
  double re = 0;
  double im = 0;
};

/// e^(-2 pi i k / size) for k < size / 2. Each entry is the product of two of the exact half-angle roots'
/// powers, so that errors grow with log(size) and not with size.
std::vector<Complex> unit_roots(std::size_t size) {
  std::vector<Complex> roots(size / 2);
  roots[0] = {1, 0};
  Complex step = {-1, 0};  // e^(-2 pi i / 2)
  for (std::size_t span = size / 2; span > 1; span /= 2) {
    // From the angle a of `step` to a / 2, which is in the lower right quadrant.
    step = {sqrt(0.5 * (1 + step.re)), -sqrt(0.5 * (1 - step.re))};
    roots[span / 2] = step;
  }
  for (std::size_t k = 1; k < roots.size(); ++k) {
    const std::size_t top = std::bit_floor(k);
    if (top == k) continue;
    const Complex a = roots[top];
    const Complex b = roots[k - top];
    roots[k] = {a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re};
  }
  return roots;
}

void bit_reverse(std::vector<Complex>& x) {
  for (std::size_t i = 1, j = 0; i < x.size(); ++i) {
    std::size_t bit = x.size() >> 1;
    for (; j & bit; bit >>= 1) j ^= bit;
    j ^= bit;
    if (i < j) std::swap(x[i], x[j]);
  }
}

void transform(std::vector<Complex>& x, const std::vector<Complex>& roots) {
  bit_reverse(x);
  for (std::size_t half = 1; half < x.size(); half *= 2) {
    const std::size_t stride = x.size() / (2 * half);
    for (std::size_t block = 0; block < x.size(); block += 2 * half) {
      for (std::size_t k = 0; k < half; ++k) {
        const Complex w = roots[k * stride];
        Complex& low = x[block + k];
        Complex& high = x[block + k + half];
        const Complex turned = {high.re * w.re - high.im * w.im, high.re * w.im + high.im * w.re};
        high = {low.re - turned.re, low.im - turned.im};
        low = {low.re + turned.re, low.im + turned.im};
      }
    }
  }
}

}  // namespace

std::vector<double> autocorrelation_sums(std::span<const double> x, std::size_t lag_max) {
  check(lag_max < x.size(), "a lag within the series");
  const std::size_t size = std::bit_ceil(x.size() + lag_max + 1);
  const std::vector<Complex> roots = unit_roots(size);
  std::vector<Complex> spectrum(size);
  for (std::size_t i = 0; i < x.size(); ++i) spectrum[i].re = x[i];
  transform(spectrum, roots);
  for (Complex& value : spectrum) value = {value.re * value.re + value.im * value.im, 0};
  transform(spectrum, roots);  // a power spectrum is even: forward and inverse are the same but for the scale
  std::vector<double> sums(lag_max + 1);
  for (std::size_t lag = 0; lag <= lag_max; ++lag) sums[lag] = spectrum[lag].re / static_cast<double>(size);
  return sums;
}

}  // namespace forewarm
