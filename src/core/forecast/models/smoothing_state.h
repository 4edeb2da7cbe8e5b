#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "core/forecast/models/smoothing_step.h"

namespace forewarm {

/// For how many steps an undamped trend would have to run to bring as much as a damped one brings in `lead`
/// steps: damping + damping^2 + ... + damping^lead.
double damped_steps(std::size_t lead, double damping);

/// Where a form of exponential smoothing stands: level, trend, and a season by phase. A step that was not
/// measured moves it on without a surprise. Works on transformed values; knows nothing of quantiles.
class SmoothingState {
 public:
  SmoothingState() = default;
  /// `season` has one value a phase, beginning with the first step to come; empty when the form has none.
  SmoothingState(const SmoothingForm& form, double level, double trend, std::vector<double> season);
  /// Starts from the level of the first values and the phases' means over all of them, with a trend at rest.
  /// With a `trend`, that of the first values is taken too, and what moves slower than a cycle is not taken
  /// for season.
  SmoothingState(const SmoothingForm& form, std::span<const double> values, std::uint32_t period, bool trend);

  /// The trend of a line through all of `values`, as the form has it.
  static double trend_of(const SmoothingForm& form, std::span<const double> values);

  /// Expected value of the step `lead` steps on (1: the next); `damped` is damped_steps(lead, damping), which
  /// a caller with many origins computes once.
  double expected(std::size_t lead, double damped) const;
  void update(double value, const SmoothingParameters& parameters);

  const SmoothingForm& form() const { return form_; }
  std::uint32_t period() const { return static_cast<std::uint32_t>(season_.size()); }
  double level() const { return level_; }
  double trend() const { return trend_; }
  std::span<const double> season() const { return season_; }

  /// Visits every field; for saving and loading.
  static void fields(auto& state, auto& archive) {
    SmoothingForm::fields(state.form_, archive);
    archive(state.level_);
    archive(state.trend_);
    archive(state.season_);
    archive(state.phase_);
  }
  /// False when a loaded state cannot be one of ours.
  bool is_sound() const;

 private:
  void keep_in_bounds(SmoothingPoint& point) const;

  SmoothingForm form_;
  double level_ = 0;
  double trend_ = 0;
  std::vector<double> season_;
  std::uint32_t phase_ = 0;  ///< of the next step
};

}  // namespace forewarm
