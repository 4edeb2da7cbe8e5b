#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace forewarm {

struct SmoothingParameters {
  double level = 0.2;    ///< alpha: share of a surprise that stays in the level
  double trend = 0.0;    ///< beta: share of the level's change that stays in the trend
  double damping = 0.9;  ///< phi: what is left of the trend after a step
  double season = 0.1;   ///< gamma: share of the rest that stays in the season's phase
};

/// What a trend of one a step adds over `lead` steps when it is damped: damping + damping^2 + ... +
/// damping^lead.
double damped_steps(std::size_t lead, double damping);

/// Additive exponential smoothing with a damped trend and an optional season, in error-correction form:
/// ETS(A,Ad,A) and ETS(A,Ad,N) of Hyndman, Koehler, Ord and Snyder, Forecasting with Exponential Smoothing
/// (2008). A step that was not measured moves the state on without a surprise. Works on transformed values;
/// knows nothing of quantiles.
class SmoothingState {
 public:
  /// Starts from the mean of the first values and, with a season (0: none), the phase means over all of
  /// `values`.
  SmoothingState(std::span<const double> values, std::uint32_t period);
  SmoothingState() = default;

  /// Expected value of the step `lead` steps on (1: the next); `damped` is damped_steps(lead, damping), which
  /// a caller with many origins computes once.
  double expected(std::size_t lead, double damped) const;
  void update(double value, const SmoothingParameters& parameters);

  std::uint32_t period() const { return static_cast<std::uint32_t>(season_.size()); }

  /// Visits every field; for saving and loading.
  static void fields(auto& state, auto& archive) {
    archive(state.level_);
    archive(state.trend_);
    archive(state.season_);
    archive(state.phase_);
  }
  /// False when a loaded state cannot be one of ours.
  bool is_sound() const;

 private:
  double level_ = 0;
  double trend_ = 0;
  std::vector<double> season_;
  std::uint32_t phase_ = 0;  ///< of the next step
};

}  // namespace forewarm
