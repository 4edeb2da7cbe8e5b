#pragma once

#include <array>
#include <cstdint>

namespace forewarm {

/// xoshiro256++ (Blackman and Vigna 2019) seeded by splitmix64. The standard library's distributions differ
/// between libraries, so a seed would mean different decisions on different systems: these are our own.
class Random {
 public:
  explicit Random(std::uint64_t seed);

  std::uint64_t next();
  /// Uniform in [0, 1) with 53 random bits.
  double uniform();
  /// Uniform in [0, bound); bound > 0. Unbiased.
  std::uint64_t below(std::uint64_t bound);
  bool chance(double probability) { return uniform() < probability; }
  /// Exponential with this mean.
  double exponential(double mean);
  double normal();
  /// exp(mu + sigma * normal()).
  double log_normal(double mu, double sigma);
  /// Poisson count; exact up to a mean of 500, a rounded normal above.
  std::uint64_t poisson(double mean);

  /// An independent generator for a part, so that one part's draws do not shift another's.
  Random fork(std::uint64_t stream) const;

 private:
  std::array<std::uint64_t, 4> state_;
};

/// splitmix64's finaliser: a bijection on 64 bits that spreads every input bit.
constexpr std::uint64_t mix_bits(std::uint64_t x) {
  x ^= x >> 30;
  x *= 0xbf58476d1ce4e5b9ULL;
  x ^= x >> 27;
  x *= 0x94d049bb133111ebULL;
  x ^= x >> 31;
  return x;
}

}  // namespace forewarm
