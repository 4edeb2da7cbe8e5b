#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace forewarm {

/// Seasonal periods (in steps, ascending, at most 3) that the series shows, by autocorrelation of the
/// detrended values on a candidate grid; empty when there are none.
std::vector<std::uint32_t> find_seasons(std::span<const float> values);

}  // namespace forewarm
