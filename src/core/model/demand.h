#pragma once

#include <cstdint>

namespace forewarm {

/// What a number of messages means in resources over one step, at one level.
struct Demand {
  double messages = 0;      ///< arrivals in the step
  double work_seconds = 0;  ///< their service time summed
  double concurrency = 0;   ///< instances that start everything within the objective (n_D)

  friend bool operator==(const Demand&, const Demand&) = default;
};

}  // namespace forewarm
