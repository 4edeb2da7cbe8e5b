#include "core/forecast/ensemble/calibration.h"

#include <algorithm>
#include <cmath>

namespace forewarm {
namespace {

// Standard normal quantiles and densities at kForecastLevels.
constexpr double kScores[] = {-2.326348, -1.644854, -1.281552, -0.674490, 0,
                              0.674490,  1.281552,  1.644854,  2.326348};
constexpr double kDensities[] = {0.026652, 0.103136, 0.175498, 0.317777, 0.398942,
                                 0.317777, 0.175498, 0.103136, 0.026652};
static_assert(std::size(kScores) == kForecastLevelCount && std::size(kDensities) == kForecastLevelCount);

constexpr double kRates[] = {0.007, 0.007, 0.01, 0.02, 0.02, 0.02, 0.01, 0.007, 0.007};
// What is learnt from some tens of origins is too narrow elsewhere, so that more is asked of it: conformal
// quantiles at p (1 + 1 / n) (Vovk, Gammerman and Shafer 2005).
constexpr double kOrigins = 80;

double asked_level(double level) {
  if (level < 0.5) return 1 - asked_level(1 - level);
  return level == 0.5 ? level : std::min(level * (1 + 1 / kOrigins), (1 + level) / 2);
}
constexpr double kShiftMax = 1.5;

/// The quantile at a normal score, linear between the levels and beyond them.
double at_score(const LevelValues& row, double score) {
  std::size_t above = 1;
  while (above + 1 < kForecastLevelCount && kScores[above] < score) ++above;
  const double share = (score - kScores[above - 1]) / (kScores[above] - kScores[above - 1]);
  return row[above - 1] + share * (row[above] - row[above - 1]);
}

/// Probability that the value lies at or below the quantile `level`: 0 or 1, or a share where the value
/// equals the quantile.
double covered_share(const LevelValues& row, std::size_t level, double value) {
  if (value != row[level]) return value < row[level] ? 1 : 0;
  std::size_t first = level, last = level;
  while (first > 0 && row[first - 1] == value) --first;
  while (last + 1 < kForecastLevelCount && row[last + 1] == value) ++last;
  const double low = first == 0 ? 0 : 0.5 * (kForecastLevels[first - 1] + kForecastLevels[first]);
  const double high =
      last + 1 == kForecastLevelCount ? 1 : 0.5 * (kForecastLevels[last] + kForecastLevels[last + 1]);
  return (kForecastLevels[level] - low) / (high - low);
}

}  // namespace

void Calibration::observe(std::size_t lead, const LevelValues& said, double value) {
  LevelValues& shifts = shifts_[lead_band(lead)];
  const LevelValues row = apply(lead, said);
  for (std::size_t level = 0; level < kForecastLevelCount; ++level) {
    const double surprise = asked_level(kForecastLevels[level]) - covered_share(row, level, value);
    shifts[level] =
        std::clamp(shifts[level] + kRates[level] * surprise / kDensities[level], -kShiftMax, kShiftMax);
  }
}

LevelValues Calibration::apply(std::size_t lead, const LevelValues& said) const {
  const BetweenBands between(lead);
  LevelValues row{};
  double floor = 0;
  for (std::size_t level = 0; level < kForecastLevelCount; ++level) {
    row[level] = std::max(floor, at_score(said, kScores[level] + between.of(shifts_[between.near][level],
                                                                            shifts_[between.far][level])));
    floor = row[level];
  }
  return row;
}

bool Calibration::is_sound() const {
  for (const LevelValues& band : shifts_) {
    for (const double shift : band) {
      if (!(std::abs(shift) <= kShiftMax)) return false;
    }
  }
  return true;
}

}  // namespace forewarm
