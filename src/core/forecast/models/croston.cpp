#include "core/forecast/models/croston.h"

namespace forewarm {

void IntermittentRate::update(double value, double exposure) {
  const bool demand = value > 0;
  since += exposure;
  if (exposures == 0) exposures = exposure;
  demands += alpha * ((demand ? 1.0 : 0.0) - demands);
  exposures += alpha * (exposure - exposures);
  if (!begun) {
    // The first demand begins the averages, as simple initial values do in exponential smoothing; the odds
    // begin as one over the first interval.
    if (!demand) return;
    begun = true;
    size = value;
    interval = since;
    demands = interval > 0 ? exposures / interval : exposures;
    since = 0;
    return;
  }
  if (!demand) return;
  size += alpha * (value - size);
  interval += alpha * (since - interval);
  since = 0;
}

double IntermittentRate::rate() const {
  if (!begun) return 0;
  if (method == IntermittentMethod::Tsb) return exposures > 0 ? demands / exposures : 0;
  const double odds = interval > 0 ? 1 / interval : 0;
  return method == IntermittentMethod::Sba ? odds * (1 - alpha / 2) : odds;
}

bool IntermittentRate::is_sound() const {
  const auto amount = [](double value) { return value >= 0 && value < 1e17; };  // false for NaN
  return method <= IntermittentMethod::Tsb && alpha > 0 && alpha <= 1 && amount(size) && amount(interval) &&
         amount(since) && amount(demands) && amount(exposures);
}

}  // namespace forewarm
