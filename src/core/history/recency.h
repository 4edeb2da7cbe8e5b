#pragma once

#include <array>
#include <cstdint>

#include "base/time.h"

namespace forewarm {

/// How the newest outcomes of something went. Forgotten by count and not by time: when trouble begins or is
/// over, the next few outcomes say so, however many there were in the minutes before.
struct Recency {
  /// Of failures, over about 3, 10, 30 and 100 outcomes. Before there are any: what is usual.
  std::array<double, 4> shares{0.1, 0.1, 0.05, 0.05};
  std::uint32_t count = 0;
  std::int32_t row = 0;  ///< successes in a row at the end; negative: failures
  TimePoint seen_at = TimePoint::min();
  TimePoint succeeded_at = TimePoint::min();

  void add(TimePoint at, bool failed);
};

}  // namespace forewarm
