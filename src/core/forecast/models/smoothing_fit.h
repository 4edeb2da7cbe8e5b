#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/forecast/models/lead_errors.h"
#include "core/forecast/models/smoothing_state.h"

namespace forewarm {

/// The scale on which a series is smoothed. The square root evens the noise of counts and makes seasons grow
/// with the level; the plain scale is right where noise does not grow with the level.
enum class SmoothingScale : std::uint8_t { Plain, SquareRoot };

/// Onto the scale: not measured stays NaN, below zero is zero.
double to_scale(float value, SmoothingScale scale);
double from_scale(double value, SmoothingScale scale);

struct SmoothingModel {
  SmoothingScale scale = SmoothingScale::Plain;
  SmoothingParameters parameters;
  SmoothingState state;
  LeadErrors errors;
  double ceiling = 0;      ///< values beyond it are not foreseen, whatever a trend says
  double persistence = 0;  ///< correlation of an error with the next step's, at a fixed origin

  /// Visits every field; for saving and loading.
  static void fields(auto& model, auto& archive) {
    archive(model.scale);
    archive(model.parameters);
    SmoothingState::fields(model.state, archive);
    LeadErrors::fields(model.errors, archive);
    archive(model.ceiling);
    archive(model.persistence);
  }
  bool is_sound() const;
  /// Takes a value of the series.
  void update(float value);
  /// Quantiles of the value `lead` steps on.
  LevelValues quantiles(std::size_t lead) const;
};

/// Estimates candidates in two ways and keeps the one whose quantiles have the smaller pinball loss at short
/// and long leads: the form of the greatest likelihood by AICc (of the newest steps, seasons up to 24 steps,
/// as in R's forecast::ets), on each scale; and, for seasons of any length, a damped trend with a season that
/// adds, its parameters from a bounded coordinate search of the absolute error. `values` has at least one
/// measured step.
SmoothingModel fit_smoothing(std::span<const float> values, std::span<const std::uint32_t> seasons);

}  // namespace forewarm
