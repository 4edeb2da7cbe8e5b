#include "core/forecast/models/negative_binomial.h"

#include <algorithm>

#include "base/math.h"

namespace forewarm {
namespace {

constexpr double kMeanToAddUp = 256;   // at most; above, probabilities are many and each is small
constexpr double kMeanOfLarger = 512;  // of a count of larger units that stands in
constexpr int kTermsMax = 60'000;

/// Least counts whose distribution function reaches the levels; in units.
LevelValues added_up(double mean, double spread) {
  LevelValues row{};
  const double odds = mean * spread;  // of the rate's gamma: mean over shape
  double probability = spread > 0 ? exp(-log(1 + odds) / spread) : exp(-mean);
  double reached = probability;
  double count = 0;
  std::size_t level = 0;
  for (int term = 0; term < kTermsMax && level < kForecastLevelCount; ++term) {
    while (level < kForecastLevelCount && reached >= kForecastLevels[level]) row[level++] = count;
    probability *= (1 + count * spread) * mean / ((count + 1) * (1 + odds));
    count += 1;
    reached += probability;
  }
  for (; level < kForecastLevelCount; ++level) row[level] = count;
  return row;
}

}  // namespace

double NegativeBinomial::log_probability(double count) const {
  const double y = count / unit;
  const double m = std::max(mean / unit, 1e-9);
  const double poisson = y * log(m) - m - log_gamma(y + 1) - log(unit);
  // Where the rate's uncertainty is far below the count's own, differences of large logarithms of the gamma
  // function would be noise.
  if (spread * (y + m) < 1e-7) return poisson;
  const double shape = 1 / spread;
  return log_gamma(y + shape) - log_gamma(shape) - log_gamma(y + 1) - shape * log(1 + m * spread) +
         y * log(m / (m + shape)) - log(unit);
}

LevelValues NegativeBinomial::quantiles() const {
  LevelValues row{};
  const double units = mean / unit;
  if (!(units > 0)) return row;
  if (units <= kMeanToAddUp) {
    row = added_up(units, spread);
    for (double& value : row) value *= unit;
    return row;
  }
  const double variation = 1 / units + spread;  // squared coefficient of variation
  if (variation > 2 / kMeanToAddUp) {
    // The rate's uncertainty rules: a count of larger units with the same mean and variance.
    row = added_up(kMeanOfLarger, variation - 1 / kMeanOfLarger);
    for (double& value : row) value *= mean / kMeanOfLarger;
    return row;
  }
  for (std::size_t level = 0; level < kForecastLevelCount; ++level) {
    const double root = 1 - variation / 9 + normal_quantile(kForecastLevels[level]) * sqrt(variation) / 3;
    row[level] = mean * root * root * root;
  }
  return row;
}

}  // namespace forewarm
