#include "core/model/forecast.h"

namespace forewarm {

double Forecast::quantile(std::size_t h, double level) const {
  if (level <= kForecastLevels[0]) return at(h, 0);
  for (std::size_t i = 1; i < kForecastLevelCount; ++i) {
    if (level > kForecastLevels[i]) continue;
    const double low = at(h, i - 1);
    const double share = (level - kForecastLevels[i - 1]) / (kForecastLevels[i] - kForecastLevels[i - 1]);
    return low + share * (at(h, i) - low);
  }
  return at(h, kForecastLevelCount - 1);
}

}  // namespace forewarm
