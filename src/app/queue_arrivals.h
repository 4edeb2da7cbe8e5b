#pragma once

#include <vector>

#include "base/time.h"

namespace forewarm {

/// What a queue has seen, step by step.
struct QueueArrivals {
  TimePoint start;  ///< of the first step
  Duration step = Duration(0);
  std::vector<float> values;  ///< closed steps, oldest first; NaN = not measured
};

}  // namespace forewarm
