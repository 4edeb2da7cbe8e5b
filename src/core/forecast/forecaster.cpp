#include "core/forecast/forecaster.h"

#include <numeric>

namespace forewarm {

Forecast Forecaster::predict(std::size_t horizon, Columns future) const {
  Forecast forecast{.start = start_, .step = step_, .values = {}};
  if (!fitted_) return forecast;
  std::vector<std::size_t> leads(horizon);
  std::iota(leads.begin(), leads.end(), std::size_t{1});
  forecast.values.reserve(horizon * kForecastLevelCount);
  for (const LevelValues& row : rows(leads, future)) append_row(row, forecast.values);
  return forecast;
}

std::vector<float> Forecaster::sample_paths(std::size_t horizon, std::size_t count, Columns future,
                                            Random& random) const {
  return draw_paths(predict(horizon, future), persistence(), count, random);
}

}  // namespace forewarm
