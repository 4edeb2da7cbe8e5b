#include "base/random.h"

#include <bit>

#include "base/check.h"
#include "base/math.h"

namespace forewarm {

Random::Random(std::uint64_t seed) {
  for (auto& word : state_) {
    seed += 0x9e3779b97f4a7c15ULL;
    word = mix_bits(seed);
  }
}

std::uint64_t Random::next() {
  const std::uint64_t result = std::rotl(state_[0] + state_[3], 23) + state_[0];
  const std::uint64_t t = state_[1] << 17;
  state_[2] ^= state_[0];
  state_[3] ^= state_[1];
  state_[1] ^= state_[2];
  state_[0] ^= state_[3];
  state_[2] ^= t;
  state_[3] = std::rotl(state_[3], 45);
  return result;
}

double Random::uniform() {
  return static_cast<double>(next() >> 11) * 0x1.0p-53;
}

std::uint64_t Random::below(std::uint64_t bound) {
  check(bound > 0, "a bound above zero");
  const std::uint64_t reject_below = (0 - bound) % bound;
  for (;;) {
    const std::uint64_t draw = next();
    if (draw >= reject_below) return draw % bound;
  }
}

double Random::exponential(double mean) {
  return -mean * log(1.0 - uniform());
}

double Random::normal() {
  double p = uniform();
  if (p == 0) p = 0x1.0p-54;
  return normal_quantile(p);
}

double Random::log_normal(double mu, double sigma) {
  return exp(mu + sigma * normal());
}

std::uint64_t Random::poisson(double mean) {
  if (!(mean > 0)) return 0;
  if (mean > 500) {
    const double draw = mean + sqrt(mean) * normal() + 0.5;
    return draw > 0 ? static_cast<std::uint64_t>(draw) : 0;
  }
  double product = exp(-mean);
  double sum = product;
  const double u = uniform();
  std::uint64_t count = 0;
  while (u > sum && count < 2000) {
    ++count;
    product *= mean / static_cast<double>(count);
    sum += product;
  }
  return count;
}

Random Random::fork(std::uint64_t stream) const {
  return Random(mix_bits(state_[0] ^ mix_bits(stream + 0x9e3779b97f4a7c15ULL)));
}

}  // namespace forewarm
