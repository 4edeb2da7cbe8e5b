#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "core/model/choice_memory.h"
#include "core/model/forecast.h"

namespace forewarm {

/// Chooses online between the models' forecasts by their discounted pinball loss, mean over the levels: the
/// numerics of "which model has been right lately" for one queue. Also tells how far the chosen quantiles
/// cover what they say.
class ModelChoice {
 public:
  /// `memory` steps weigh as much as all before them.
  explicit ModelChoice(double memory = 60);

  /// New forecasts of all models; those of models left out stay until they run out.
  void accept(const std::vector<ModelForecast>& forecasts);
  /// The step that starts at `start` closed with `value` arrivals: scores what each model had said of it.
  void observe(TimePoint start, float value);
  /// The forecast of the model with the least loss so far, or none when no forecast reaches beyond `now`.
  const ModelForecast* best(TimePoint now) const;
  /// Discounted mean pinball loss of a model per step; NaN when it has not been scored.
  double loss(ModelId model) const;
  /// Loss of always saying what the last step was: what a forecast must beat to be worth anything.
  double naive_loss() const;
  /// Discounted share of steps that stayed at or below each level's quantile of the chosen model.
  std::vector<double> coverage() const;
  std::uint64_t scored() const { return scored_; }

  /// What the models' losses and the coverage are, of steps of this length, for a restart.
  ChoiceMemory memory(Duration step) const;
  /// Goes on with that. False, and nothing changes, where it cannot be another's, is of other steps, or a
  /// step was scored already.
  bool restore(const ChoiceMemory& memory, Duration step);

 private:
  struct Model {
    ModelForecast current;
    double loss_sum = 0;
    double weight = 0;
  };
  double keep_;
  std::vector<Model> models_;
  double naive_sum_ = 0;
  double naive_weight_ = 0;
  std::optional<float> last_;
  std::vector<double> covered_;
  double covered_weight_ = 0;
  std::uint64_t scored_ = 0;
};

}  // namespace forewarm
