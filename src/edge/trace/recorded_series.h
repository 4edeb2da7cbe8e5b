#pragma once

#include <string>
#include <vector>

#include "base/time.h"

namespace forewarm {

/// A series that was recorded on a grid of equal steps.
struct RecordedSeries {
  std::string name;
  TimePoint start;  ///< of the first step; wall-clock where the record says so
  Duration step = Duration(0);
  std::vector<float> values;  ///< one a step; NaN = not measured
  std::vector<std::string> regressor_names = {};
  std::vector<std::vector<float>> regressors = {};  ///< by name, each as long as `values`
};

}  // namespace forewarm
