#include "core/forecast/models/regression_design.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "base/math.h"

namespace forewarm {
namespace {

constexpr double kStandardizedMax = 4;  // a regression says nothing of what lies far outside
constexpr std::uint32_t kFeaturePowerMax = 3;

SineCosine wave_at(std::uint32_t period, std::uint64_t turn) {
  return sine_cosine_turns(static_cast<double>(turn) / static_cast<double>(period));
}

double powered(double value, std::uint32_t power) {
  double result = 1;
  for (std::uint32_t i = 0; i < power; ++i) result *= value;
  return result;
}

}  // namespace

double RegressorScale::standardized(double value) const {
  if (!std::isfinite(value)) return 0;
  return std::clamp((value - mean) / deviation, -kStandardizedMax, kStandardizedMax);
}

RegressorScale scale_of(std::span<const float> values) {
  double sum = 0, count = 0, squares = 0;
  for (const float value : values) {
    if (!std::isfinite(value)) continue;
    sum += static_cast<double>(value);
    count += 1;
  }
  RegressorScale scale{.mean = count > 0 ? sum / count : 0};
  for (const float value : values) {
    if (!std::isfinite(value)) continue;
    const double distance = static_cast<double>(value) - scale.mean;
    squares += distance * distance;
  }
  const double deviation = count > 0 ? sqrt(squares / count) : 0;
  scale.deviation = deviation > 0 && std::isfinite(deviation) ? deviation : 1;
  return scale;
}

double feature_value(const RegressionFeature& feature, std::uint64_t step,
                     std::span<const double> regressors) {
  double value = feature.has_regressor() ? powered(regressors[feature.regressor], feature.power) : 1;
  if (feature.order > 0) {
    const SineCosine wave = wave_at(feature.period, step % feature.period * feature.order % feature.period);
    value *= feature.cosine != 0 ? wave.cosine : wave.sine;
  }
  return value;
}

Eigen::MatrixXd design_matrix(std::span<const RegressionFeature> features, std::size_t steps,
                              Columns regressors, std::span<const RegressorScale> scales) {
  Eigen::MatrixXd design(static_cast<Eigen::Index>(steps), static_cast<Eigen::Index>(features.size()));
  std::map<std::uint32_t, std::vector<SineCosine>> waves;
  for (std::size_t i = 0; i < features.size(); ++i) {
    const RegressionFeature& feature = features[i];
    auto column = design.col(static_cast<Eigen::Index>(i));
    column.setOnes();
    if (feature.order > 0) {
      std::vector<SineCosine>& wave = waves[feature.period];
      if (wave.empty()) {
        for (std::uint32_t turn = 0; turn < feature.period; ++turn)
          wave.push_back(wave_at(feature.period, turn));
      }
      std::uint64_t turn = 0;
      for (Eigen::Index t = 0; t < column.size(); ++t) {
        column[t] = feature.cosine != 0 ? wave[turn].cosine : wave[turn].sine;
        turn += feature.order;
        if (turn >= feature.period) turn -= feature.period;
      }
    }
    if (!feature.has_regressor()) continue;
    const std::span<const float> values = regressors[feature.regressor];
    const RegressorScale& scale = scales[feature.regressor];
    for (std::size_t t = 0; t < steps; ++t) {
      column[static_cast<Eigen::Index>(t)] *=
          powered(scale.standardized(static_cast<double>(values[t])), feature.power);
    }
  }
  return design;
}

bool are_sound(std::span<const RegressionFeature> features, std::span<const RegressorScale> scales) {
  const auto sound = [&](const RegressionFeature& feature) {
    return (!feature.has_regressor() || feature.regressor < scales.size()) &&
           feature.power <= kFeaturePowerMax && feature.period > 0 && feature.cosine <= 1 &&
           feature.order < std::max<std::uint32_t>(2, feature.period);
  };
  return std::all_of(features.begin(), features.end(), sound) &&
         std::all_of(scales.begin(), scales.end(), [](const RegressorScale& scale) {
           return std::isfinite(scale.mean) && scale.deviation > 0 && std::isfinite(scale.deviation);
         });
}

}  // namespace forewarm
