#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "base/math.h"
#include "core/forecast/models/phase_means.h"

namespace forewarm {

/// The level of a count against its season's normal: gamma distributed, with shape `shape` and rate `rate`.
/// What is known of it fades by `discount` each step, as much as it may have moved; then a count makes it
/// anew, and it stays gamma (Harvey and Fernandes 1989).
struct CountLevel {
  double discount = 0.95;
  double shape = kPrior;  ///< counts that the level rests on
  double rate = kPrior;   ///< what the season expected of the same steps

  static constexpr double kPrior = 0.1;  ///< of a count, at a level of 1: gives way to the first

  /// `exposure`: what the season expects of the step at a level of 1; above 0.
  void update(double count, double exposure) {
    shape = discount * shape + count + (1 - discount) * kPrior;
    rate = discount * rate + exposure + (1 - discount) * kPrior;
  }
  /// The level at a lead, when each step leaves `reversion` of its distance from normal.
  double mean(std::size_t lead, double reversion) const {
    const double kept = reversion == 1 ? 1 : pow(reversion, static_cast<double>(lead - 1));
    return 1 + (shape / rate - 1) * kept;
  }
  /// Squared coefficient of variation.
  double spread() const { return 1 / shape; }
  bool is_sound() const {
    const auto amount = [](double value) { return value > 0 && value < 1e24; };  // false for NaN
    return discount > 0 && discount < 1 && amount(shape) && amount(rate);
  }
};

/// What a step expects at a level of 1: the mean of its phase, times the factors of a second season.
struct CountSeason {
  static constexpr double kBurstMax = 8;  ///< times what is normal that a count may teach

  PhaseMeans base;
  PhaseMeans factors;
  bool two = false;

  CountSeason() = default;
  explicit CountSeason(PhaseMeans one) : base(std::move(one)) {}
  CountSeason(PhaseMeans one, PhaseMeans other)
      : base(std::move(one)), factors(std::move(other)), two(true) {}

  double at(std::uint64_t step) const {
    return two && factors.overall() > 0 ? base.at(step) * factors.at(step) : base.at(step);
  }
  void update(std::uint64_t step, double count) {
    // One day's absurd burst must not become every day's.
    if (base.seen() > 16) count = std::min(count, kBurstMax * std::max(at(step), base.overall()) + 4);
    if (two) factors.update(step, count, base.at(step));
    base.update(step, count, 1);
  }

  static void fields(auto& season, auto& archive) {
    PhaseMeans::fields(season.base, archive);
    archive(season.two);
    PhaseMeans::fields(season.factors, archive);
  }
  bool settle() { return base.settle() && factors.settle(); }
};

}  // namespace forewarm
