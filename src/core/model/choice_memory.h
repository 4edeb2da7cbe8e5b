#pragma once

#include <cstdint>
#include <vector>

#include "base/time.h"
#include "core/model/forecast.h"

namespace forewarm {

/// How right one model was: its discounted loss, and of how many steps that is.
struct ModelScore {
  ModelId model = ModelId::None;
  double loss_sum = 0;
  double weight = 0;

  friend bool operator==(const ModelScore&, const ModelScore&) = default;
};

/// What a ModelChoice (core/forecast/ensemble/model_choice.h) goes by; not the forecasts, which are fitted
/// anew.
struct ChoiceMemory {
  Duration step = Duration(0);  ///< of what was scored: losses are of messages a step
  std::vector<ModelScore> models = {};
  double naive_sum = 0;
  double naive_weight = 0;
  std::vector<double> covered = {};  ///< by level
  double covered_weight = 0;
  std::uint64_t scored = 0;

  friend bool operator==(const ChoiceMemory&, const ChoiceMemory&) = default;
};

}  // namespace forewarm
