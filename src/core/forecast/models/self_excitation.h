#pragma once

#include <array>
#include <span>
#include <vector>

#include "core/forecast/models/count_level.h"
#include "core/forecast/value_history.h"

namespace forewarm {

/// Expected arrivals of a step: the normal ones, and for each kernel a share of what the arrivals before were
/// above normal, weighted by e-folding ages: sum over i of (1 - d) d^(i-1) (y[t-i] - normal[t-i]). Written
/// with the normal on both sides, the process returns to the season whatever the shares; with all shares
/// together below 1 it returns at all.
struct SelfExcitation {
  /// Steps over which a kernel averages: 1 is the last step alone.
  static constexpr std::array<double, 5> kSteps = {1, 4, 16, 64, 256};
  static constexpr double kShareMax = 0.99;
  static constexpr double kFloor = 0.05;  ///< of normal: the least that is expected

  std::array<double, kSteps.size()> shares{};
  std::array<double, kSteps.size()> above{};  ///< averages of arrivals less normal, by kernel

  void update(double count, double normal) {
    for (std::size_t k = 0; k < kSteps.size(); ++k) above[k] += (count - normal - above[k]) / kSteps[k];
  }
  /// Expected counts of the next steps, of which `normal` ones are known: each goes on exciting those after
  /// it.
  std::vector<double> expected(std::span<const double> normal) const;
  bool is_sound() const;
};

/// Shares by weighted least squares under non-negativity (an autoregression is how a discrete self-exciting
/// process is estimated: Kirchner 2017), each count weighted by what its variance is at that expectation. The
/// state begins anew.
SelfExcitation fit_excitation(const ValueHistory& history, const CountSeason& untaught);

}  // namespace forewarm
