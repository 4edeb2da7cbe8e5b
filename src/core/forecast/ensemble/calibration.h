#pragma once

#include <array>

#include "core/forecast/ensemble/expert_backtest.h"
#include "core/forecast/quantile_set.h"

namespace forewarm {

/// Keeps quantiles honest: where more values than promised lie above one, it is read further out, and the
/// other way round. Adaptive conformal inference (Gibbs and Candes 2021; Angelopoulos, Candes and Tibshirani
/// 2023), by band of leads. The shift is in standard normal scores, so it has no unit, keeps zeros zeros and
/// goes beyond the outermost levels. A value that equals several quantiles counts as its share of the mass
/// there (randomized PIT, Czado, Gneiting and Held 2009): zeros of sparse counts say nothing against a zero
/// quantile.
class Calibration {
 public:
  /// What was said of a value `lead` steps ahead, before calibration, and the value that came.
  void observe(std::size_t lead, const LevelValues& said, double value);
  /// Ordered and non-negative if `said` is.
  LevelValues apply(std::size_t lead, const LevelValues& said) const;

  static void fields(auto& calibration, auto& archive) {
    for (auto& band : calibration.shifts_) {
      for (auto& shift : band) archive(shift);
    }
  }
  bool is_sound() const;

 private:
  std::array<LevelValues, kLeadBands> shifts_{};  ///< in standard deviations
};

}  // namespace forewarm
