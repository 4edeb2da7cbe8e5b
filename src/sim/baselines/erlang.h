#pragma once

#include <cstdint>
#include <memory>

#include "core/scale/scaler.h"

namespace forewarm {

/// The textbook: instances for a smoothed rate of arrivals by Erlang's C formula, so that at most the allowed
/// share waits longer than the objective. What a careful engineer would build first; no product.
struct ErlangOptions {
  Duration every = 10s;
  double weight = 0.3;  ///< of the newest rate in the exponential average (Brown 1956)
  Duration objective = 500ms;
  double late_share = 0.01;
  Duration idle = 60s;  ///< above the plan an instance is kept so long
  std::uint32_t max = 1000;
};

/// A message that finds no instance at all starts one.
std::unique_ptr<Scaler> make_erlang_scaler(const ErlangOptions& options);

}  // namespace forewarm
