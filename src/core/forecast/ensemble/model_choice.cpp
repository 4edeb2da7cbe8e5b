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

std::vector<double> ModelChoice::coverage() const {
  std::vector<double> shares(kForecastLevelCount, kNan);
  for (std::size_t level = 0; level < kForecastLevelCount && covered_weight_ > 0; ++level) {
    shares[level] = covered_[level] / covered_weight_;
  }
  return shares;
}

}  // namespace forewarm
