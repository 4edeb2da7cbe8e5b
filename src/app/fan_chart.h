#pragma once

#include <string>
#include <vector>

#include "base/time.h"

namespace forewarm {

/// What a fan chart shows: the past as bars, a forecast as bands, and what came of it where that is known.
struct FanPicture {
  TimePoint start;  ///< of the forecast
  Duration step = Duration(0);
  std::vector<float> past;                             ///< the newest last; NaN where nothing was measured
  std::vector<float> low, lower, median, upper, high;  ///< 5, 25, 50, 75 and 95 %, by step
  std::vector<float> came = {};                        ///< from `start` on, as far as it is known
};

struct ChartSize {
  std::size_t width = 80;
  std::size_t height = 14;  ///< of the plot itself; a line of times stands below it
  bool colour = false;
};

/// Draws it in block characters for a terminal: at most `width` columns in each line. Where there are more
/// steps than columns neighbours are averaged; where there are fewer, each is as wide as fits.
std::string fan_chart(const FanPicture& picture, const ChartSize& size);

}  // namespace forewarm
