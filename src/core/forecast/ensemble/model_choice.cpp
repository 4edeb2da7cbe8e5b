#include "core/forecast/ensemble/model_choice.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/check.h"
#include "base/math.h"
#include "core/forecast/quantile_set.h"

namespace forewarm {
namespace {

constexpr double kLn2 = 0.69314718055994530942;
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

/// The row of the step that starts at `start`, or horizon() where the forecast does not cover it.
std::size_t row_of(const Forecast& forecast, TimePoint start) {
  if (start < forecast.start || forecast.step <= Duration(0)) return forecast.horizon();
  const auto row = static_cast<std::size_t>((start - forecast.start) / forecast.step);
  return std::min(row, forecast.horizon());
}

double row_loss(const Forecast& forecast, std::size_t row, double value) {
  double sum = 0;
  for (std::size_t level = 0; level < kForecastLevelCount; ++level) {
    sum += pinball_loss(value, forecast.at(row, level), kForecastLevels[level]);
  }
  return sum / kForecastLevelCount;
}

constexpr double kLossMax = 1e15;
constexpr double kWeightMax = 1e9;

bool is_weight(double value) {
  return value >= 0 && value <= kWeightMax;  // no NaN
}

bool is_sound(const ChoiceMemory& memory) {
  const auto is_score = [&memory](const ModelScore& score) {
    const auto same = [&score](const ModelScore& other) { return other.model == score.model; };
    return score.loss_sum >= 0 && score.loss_sum <= kLossMax && is_weight(score.weight) &&
           std::ranges::count_if(memory.models, same) == 1;
  };
  return memory.models.size() <= kModelNames.size() && std::ranges::all_of(memory.models, is_score) &&
         memory.naive_sum >= 0 && memory.naive_sum <= kLossMax && is_weight(memory.naive_weight) &&
         memory.covered.size() == kForecastLevelCount && std::ranges::all_of(memory.covered, is_weight) &&
         is_weight(memory.covered_weight);
}

}  // namespace

ModelChoice::ModelChoice(double memory)
    : keep_(exp(-kLn2 / std::max(memory, 1.0))), covered_(kForecastLevelCount) {
  check(memory >= 1, "a memory of one step or more");
}

void ModelChoice::accept(const std::vector<ModelForecast>& forecasts) {
  for (const ModelForecast& forecast : forecasts) {
    const auto known = std::find_if(models_.begin(), models_.end(), [&](const Model& model) {
      return model.current.model == forecast.model;
    });
    if (known != models_.end())
      known->current = forecast;
    else
      models_.push_back({.current = forecast});
  }
}

void ModelChoice::observe(TimePoint start, float value) {
  if (!std::isfinite(value)) {
    last_.reset();
    return;
  }
  if (const ModelForecast* chosen = best(start)) {
    const std::size_t row = row_of(chosen->forecast, start);
    if (row < chosen->forecast.horizon()) {
      covered_weight_ = covered_weight_ * keep_ + 1;
      for (std::size_t level = 0; level < kForecastLevelCount; ++level) {
        covered_[level] = covered_[level] * keep_ + (value <= chosen->forecast.at(row, level) ? 1 : 0);
      }
      ++scored_;
    }
  }
  for (Model& model : models_) {
    const std::size_t row = row_of(model.current.forecast, start);
    if (row == model.current.forecast.horizon()) continue;
    model.loss_sum = model.loss_sum * keep_ + row_loss(model.current.forecast, row, value);
    model.weight = model.weight * keep_ + 1;
  }
  if (last_) {
    double sum = 0;
    for (const double level : kForecastLevels) sum += pinball_loss(value, *last_, level);
    naive_sum_ = naive_sum_ * keep_ + sum / kForecastLevelCount;
    naive_weight_ = naive_weight_ * keep_ + 1;
  }
  last_ = value;
}

const ModelForecast* ModelChoice::best(TimePoint now) const {
  const Model* chosen = nullptr;
  for (const Model& model : models_) {
    const Forecast& forecast = model.current.forecast;
    const TimePoint end =
        saturating_add(forecast.start, forecast.step * static_cast<Duration::rep>(forecast.horizon()));
    if (end <= now) continue;
    // A model without a score yields to one that has any: it has not earned trust yet.
    const bool better = chosen == nullptr ||
                        (model.weight > 0 && (chosen->weight == 0 || model.loss_sum / model.weight <
                                                                         chosen->loss_sum / chosen->weight));
    if (better) chosen = &model;
  }
  return chosen ? &chosen->current : nullptr;
}

double ModelChoice::loss(ModelId model) const {
  for (const Model& known : models_) {
    if (known.current.model == model && known.weight > 0) return known.loss_sum / known.weight;
  }
  return kNan;
}

double ModelChoice::naive_loss() const {
  return naive_weight_ > 0 ? naive_sum_ / naive_weight_ : kNan;
}

ChoiceMemory ModelChoice::memory(Duration step) const {
  ChoiceMemory memory{.step = step,
                      .models = {},
                      .naive_sum = naive_sum_,
                      .naive_weight = naive_weight_,
                      .covered = covered_,
                      .covered_weight = covered_weight_,
                      .scored = scored_};
  for (const Model& model : models_)
    if (model.weight > 0) memory.models.push_back({model.current.model, model.loss_sum, model.weight});
  return memory;
}

bool ModelChoice::restore(const ChoiceMemory& memory, Duration step) {
  const auto is_scored = [](const Model& model) { return model.weight > 0; };
  if (memory.step != step || naive_weight_ > 0 || std::ranges::any_of(models_, is_scored) ||
      !is_sound(memory))
    return false;
  for (const ModelScore& score : memory.models) {
    const auto same = [&score](const Model& model) { return model.current.model == score.model; };
    auto known = std::ranges::find_if(models_, same);
    if (known == models_.end()) {
      // Without a forecast it is not chosen.
      known = models_.insert(known, Model{});
      known->current.model = score.model;
    }
    known->loss_sum = score.loss_sum;
    known->weight = score.weight;
  }
  naive_sum_ = memory.naive_sum;
  naive_weight_ = memory.naive_weight;
  covered_ = memory.covered;
  covered_weight_ = memory.covered_weight;
  scored_ = memory.scored;
  return true;
}

std::vector<double> ModelChoice::coverage() const {
  std::vector<double> shares(kForecastLevelCount, kNan);
  for (std::size_t level = 0; level < kForecastLevelCount && covered_weight_ > 0; ++level) {
    shares[level] = covered_[level] / covered_weight_;
  }
  return shares;
}

}  // namespace forewarm
