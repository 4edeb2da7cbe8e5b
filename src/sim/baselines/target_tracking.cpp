#include "sim/baselines/target_tracking.h"

#include <algorithm>
#include <cmath>

namespace forewarm {

std::uint32_t TargetTracking::capacity_after(std::uint32_t capacity) const {
  const std::deque<double>& points = points_.means();
  const double low = options_.target * options_.low_share;
  std::uint32_t above = 0, below = 0;
  while (above < points.size() && points[points.size() - 1 - above] > options_.target) ++above;
  while (below < points.size() && points[points.size() - 1 - below] < low) ++below;
  double wanted = capacity;
  if (above >= options_.high_points) {
    wanted = std::ceil(capacity * points.back() / options_.target);
  } else if (below >= options_.low_points) {
    const double a_step_down = std::min(std::ceil(0.9 * capacity), capacity - 1.0);
    wanted = std::max(std::ceil(capacity * points.back() / options_.target), a_step_down);
  }
  return static_cast<std::uint32_t>(
      std::clamp<double>(wanted, options_.min, std::max(options_.min, options_.max)));
}

}  // namespace forewarm
