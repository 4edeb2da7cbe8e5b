#pragma once

#include <cstddef>
#include <vector>

#include "core/forecast/value_history.h"

namespace forewarm {

/// How the newest values differ from those of the hour before: after an outage or a burst, experts that
/// follow the level are wrong for a while, and others that look at seasons are not. All are logarithms of
/// ratios to the median of the newest 60 steps, but for the two last.
struct Disturbance {
  double level = 0;          ///< of the mean of the newest 4
  double highest = 0;        ///< of the newest 30
  double lowest = 0;         ///< of the newest 30
  double rare_level = 0;     ///< -log10 of the share of past steps whose level differed as much; at most 2
  double rare_extremes = 0;  ///< the same of how far highest and lowest were apart
};

/// What is usual for a series, to tell what is not.
class DisturbanceScale {
 public:
  DisturbanceScale() = default;
  explicit DisturbanceScale(const ValueHistory& history);

  /// Of the values before `origin`, an index into `history`; all zero where too few are measured.
  Disturbance at(const ValueHistory& history, std::size_t origin) const;

  static void fields(auto& scale, auto& archive) {
    archive(scale.levels_);
    archive(scale.extremes_);
  }
  bool is_sound() const;

 private:
  std::vector<float> levels_;    ///< how far the level was off at past steps, ascending
  std::vector<float> extremes_;  ///< how far highest and lowest were apart, ascending
};

}  // namespace forewarm
