#include "core/forecast/quantile_set.h"

#include <algorithm>
#include <cmath>

#include "base/check.h"
#include "base/math.h"

namespace forewarm {
namespace {

constexpr double kValueMax = 1e30;  // finite as a float, with room to add rows up

/// The value at any level: linear between the levels, to zero below them, an exponential tail above.
double value_at(const Forecast& forecast, std::size_t h, double level) {
  constexpr std::size_t kTop = kForecastLevelCount - 1;
  if (level < kForecastLevels[0]) {
    const double low = forecast.at(h, 0);
    const double spread = forecast.at(h, 1) - low;
    return std::max(0.0, low - spread * (1 - level / kForecastLevels[0]) * 0.5);
  }
  if (level <= kForecastLevels[kTop]) return forecast.quantile(h, level);
  const double slope = (forecast.at(h, kTop) - forecast.at(h, kTop - 1)) /
                       log((1 - kForecastLevels[kTop - 1]) / (1 - kForecastLevels[kTop]));
  return forecast.at(h, kTop) + slope * log((1 - kForecastLevels[kTop]) / std::max(1 - level, 1e-6));
}

}  // namespace

LevelValues weighted_quantiles(std::span<WeightedValue> sample) {
  check(!sample.empty(), "a sample to take quantiles of");
  const auto before = [](const WeightedValue& a, const WeightedValue& b) {
    return a.value != b.value ? a.value < b.value : a.weight < b.weight;
  };
  if (!std::is_sorted(sample.begin(), sample.end(), before)) std::sort(sample.begin(), sample.end(), before);
  double total = 0;
  for (const WeightedValue& point : sample) total += point.weight;
  LevelValues result{};
  std::size_t i = 0;
  double middle = sample[0].weight / 2;  // weight below the i-th point's middle
  for (std::size_t level = 0; level < kForecastLevelCount; ++level) {
    const double wanted = kForecastLevels[level] * total;
    double next = middle;
    while (i + 1 < sample.size() &&
           (next = middle + (sample[i].weight + sample[i + 1].weight) / 2) < wanted) {
      middle = next;
      ++i;
    }
    if (wanted <= middle || i + 1 == sample.size()) {
      result[level] = sample[i].value;
    } else {
      const double share = (wanted - middle) / (next - middle);
      result[level] = sample[i].value + share * (sample[i + 1].value - sample[i].value);
    }
  }
  return result;
}

void append_row(const LevelValues& row, std::vector<float>& values) {
  double floor = 0;
  for (const double value : row) {
    if (value > floor) floor = std::min(value, kValueMax);  // false for NaN
    values.push_back(static_cast<float>(floor));
  }
}

std::vector<float> draw_paths(const Forecast& forecast, double persistence, std::size_t count,
                              Random& random) {
  const double keep = std::clamp(persistence, -0.99, 0.99);
  const double fresh = sqrt(1 - keep * keep);
  const std::size_t horizon = forecast.horizon();
  std::vector<float> paths;
  paths.reserve(horizon * count);
  for (std::size_t path = 0; path < count; ++path) {
    double state = random.normal();
    for (std::size_t h = 0; h < horizon; ++h) {
      if (h > 0) state = keep * state + fresh * random.normal();
      paths.push_back(static_cast<float>(value_at(forecast, h, normal_cdf(state))));
    }
  }
  return paths;
}

}  // namespace forewarm
