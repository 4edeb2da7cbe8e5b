#include "base/math.h"

#include <bit>
#include <cstdint>
#include <limits>

namespace forewarm {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kLn2High =
    6.93147180369123816490e-01;  // ln 2 = high + low, the high part with 20 trailing zeros
constexpr double kLn2Low = 1.90821492927058770002e-10;
constexpr double kLog2E = 1.44269504088896338700e+00;

/// 2^exponent * value, through the subnormal range in two exact steps.
double scale_by_power_of_two(double value, int exponent) {
  auto power = [](int e) { return std::bit_cast<double>(static_cast<std::uint64_t>(e + 1023) << 52); };
  if (exponent > 1023) return value * power(1023) * power(exponent - 1023);
  if (exponent < -1022) return value * power(exponent + 54) * power(-54);
  return value * power(exponent);
}

}  // namespace

double exp(double x) {
  if (x != x) return kNan;
  if (x > 709.782712893384) return kInfinity;
  if (x < -745.1332191019411) return 0.0;
  const double k = static_cast<double>(static_cast<std::int64_t>(x * kLog2E + (x < 0 ? -0.5 : 0.5)));
  const double high = x - k * kLn2High;
  const double low = k * kLn2Low;
  const double r = high - low;
  // Remez polynomial for R(r*r) = r*(e^r+1)/(e^r-1) on [0, 0.34658] (Sun Microsystems fdlibm, public
  // documentation).
  const double t = r * r;
  const double c = r - t * (1.66666666666666019037e-01 +
                            t * (-2.77777777770155933842e-03 +
                                 t * (6.61375632143793436117e-05 +
                                      t * (-1.65339022054652515390e-06 + t * 4.13813679705723846039e-08))));
  const double result = 1.0 - ((low - (r * c) / (2.0 - c)) - high);
  return scale_by_power_of_two(result, static_cast<int>(k));
}

double log(double x) {
  if (x != x || x < 0) return kNan;
  if (x == 0) return -kInfinity;
  if (x == kInfinity) return kInfinity;
  int exponent = 0;
  if (x < std::numeric_limits<double>::min()) {
    x *= 18014398509481984.0;  // 2^54: a subnormal becomes normal, exactly
    exponent = -54;
  }
  const auto bits = std::bit_cast<std::uint64_t>(x);
  exponent += static_cast<int>(bits >> 52) - 1023;
  double mantissa = std::bit_cast<double>((bits & 0x000fffffffffffffULL) | 0x3ff0000000000000ULL);
  if (mantissa > 1.41421356237309514547) {
    mantissa *= 0.5;
    ++exponent;
  }
  const double f = mantissa - 1.0;
  const double s = f / (2.0 + f);
  const double z = s * s;
  const double r =
      z * (6.666666666666735130e-01 +
           z * (3.999999999940941908e-01 +
                z * (2.857142874366239149e-01 +
                     z * (2.222219843214978396e-01 +
                          z * (1.818357216161805012e-01 +
                               z * (1.531383769920937332e-01 + z * 1.479819860511658591e-01))))));
  const double half_square = 0.5 * f * f;
  const double k = static_cast<double>(exponent);
  return k * kLn2High - ((half_square - (s * (half_square + r) + k * kLn2Low)) - f);
}

double pow(double base, double exponent) {
  if (exponent == 0) return 1.0;
  if (base == 0) return exponent > 0 ? 0.0 : kInfinity;
  return exp(exponent * log(base));
}

SineCosine sine_cosine_turns(double x) {
  // To an eighth of a turn, then Taylor's series in radians, which are below pi / 4.
  const double whole = __builtin_floor(x);
  const double turn = x - whole;
  const auto eighth = static_cast<int>(turn * 8.0);
  const int quarters = (eighth + 1) / 2;
  const int quarter = quarters & 3;
  const double r = (turn - 0.25 * quarters) * 6.283185307179586477;
  const double t = r * r;
  const double sine =
      r * (1 + t * (-1.0 / 6 +
                    t * (1.0 / 120 +
                         t * (-1.0 / 5040 + t * (1.0 / 362880 +
                                                 t * (-1.0 / 39916800 + t * (1.0 / 6227020800 -
                                                                             t * (1.0 / 1307674368000))))))));
  const double cosine =
      1 + t * (-1.0 / 2 +
               t * (1.0 / 24 +
                    t * (-1.0 / 720 +
                         t * (1.0 / 40320 + t * (-1.0 / 3628800 + t * (1.0 / 479001600 +
                                                                       t * (-1.0 / 87178291200 +
                                                                            t * (1.0 / 20922789888000))))))));
  switch (quarter) {
    case 0:
      return {sine, cosine};
    case 1:
      return {cosine, -sine};
    case 2:
      return {-sine, -cosine};
    default:
      return {-cosine, sine};
  }
}

double log_gamma(double x) {
  if (!(x > 0)) return kNan;
  if (x == kInfinity) return kInfinity;
  double shift = 1;
  double shifts = 0;
  while (x < 10) {
    shift *= x;
    x += 1;
  }
  shifts = log(shift);
  const double z = 1 / (x * x);
  const double series =
      (1.0 / 12 + z * (-1.0 / 360 +
                       z * (1.0 / 1260 + z * (-1.0 / 1680 +
                                              z * (1.0 / 1188 + z * (-691.0 / 360360 + z * (1.0 / 156))))))) /
      x;
  return (x - 0.5) * log(x) - x + 0.918938533204672741780 + series - shifts;
}

double normal_cdf(double z) {
  // Hart (1968) as given by West (2005), "Better approximations to cumulative normal functions": double
  // precision.
  const double a = z < 0 ? -z : z;
  double tail = 0;
  if (a < 37) {
    const double e = exp(-0.5 * a * a);
    if (a < 7.07106781186547) {
      const double n =
          ((((((3.52624965998911e-02 * a + 0.700383064443688) * a + 6.37396220353165) * a + 33.912866078383) *
                 a +
             112.079291497871) *
                a +
            221.213596169931) *
               a +
           220.206867912376);
      const double d =
          (((((((8.83883476483184e-02 * a + 1.75566716318264) * a + 16.064177579207) * a + 86.7807322029461) *
                  a +
              296.564248779674) *
                 a +
             637.333633378831) *
                a +
            793.826512519948) *
               a +
           440.413735824752);
      tail = e * n / d;
    } else {
      const double b = a + 1 / (a + 2 / (a + 3 / (a + 4 / (a + 0.65))));
      tail = e / b / 2.506628274631;
    }
  }
  return z > 0 ? 1 - tail : tail;
}

double normal_quantile(double p) {
  if (p != p) return kNan;
  if (p <= 0) return -kInfinity;
  if (p >= 1) return kInfinity;
  if (p > 0.97575) return -normal_quantile(1 - p);
  if (p < 0.02425) {
    const double q = sqrt(-2 * log(p));
    return (((((-7.784894002430293e-03 * q - 3.223964580411365e-01) * q - 2.400758277161838e+00) * q -
              2.549732539343734e+00) *
                 q +
             4.374664141464968e+00) *
                q +
            2.938163982698783e+00) /
           ((((7.784695709041462e-03 * q + 3.224671290700398e-01) * q + 2.445134137142996e+00) * q +
             3.754408661907416e+00) *
                q +
            1);
  }
  const double q = p - 0.5;
  const double r = q * q;
  return (((((-3.969683028665376e+01 * r + 2.209460984245205e+02) * r - 2.759285104469687e+02) * r +
            1.383577518672690e+02) *
               r -
           3.066479806614716e+01) *
              r +
          2.506628277459239e+00) *
         q /
         (((((-5.447609879822406e+01 * r + 1.615858368580409e+02) * r - 1.556989798598866e+02) * r +
            6.680131188771972e+01) *
               r -
           1.328068155288572e+01) *
              r +
          1);
}

}  // namespace forewarm
