#pragma once

namespace forewarm {

// Decisions must be the same bits on every processor, and libm picks different kernels on different ones.
// These three use only IEEE-754 basic operations, which are exact everywhere. Errors stay below 2 units in
// the last place for exp and log (argument reduction and minimax polynomials as in the FreeBSD msun sources'
// papers: Tang 1989, 1990).

/// e^x. Infinity above 709.78, zero below -745.13; NaN stays NaN.
double exp(double x);

/// Natural logarithm. -infinity at 0; NaN below 0.
double log(double x);

/// base^exponent for base >= 0, as exp(exponent * log(base)): relative error up to about |exponent *
/// log(base)| * 1e-16.
double pow(double base, double exponent);

/// Sine and cosine of 2 pi x, for Fourier terms: an angle in turns is reduced exactly. Absolute error below
/// 5e-16 for |x| < 1e9.
struct SineCosine {
  double sine = 0;
  double cosine = 1;
};
SineCosine sine_cosine_turns(double x);

/// Logarithm of the gamma function for x > 0; absolute error below 1e-13 * max(1, result) (Stirling's series
/// after an upward shift, Abramowitz and Stegun 6.1.40).
double log_gamma(double x);

/// Square root: exact by IEEE-754, so the processor's own instruction is the same everywhere.
inline double sqrt(double x) {
  return __builtin_sqrt(x);
}

/// Standard normal distribution function, near double precision (Hart 1968 as given by West 2005).
double normal_cdf(double z);

/// Standard normal quantile for 0 < p < 1; relative error below 1.2e-9 (Acklam 2003). Infinite at 0 and 1.
double normal_quantile(double p);

}  // namespace forewarm
