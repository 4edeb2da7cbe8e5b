#pragma once

#include <cstdint>
#include <memory>

#include "core/scale/scaler.h"

namespace forewarm {

/// FaasCache (Fuerst and Sharma, ASPLOS 2021): keep-alive as a cache. An instance is kept until its memory is
/// needed; then those of least priority go, priority = clock + frequency * cost / size, where cost is what a
/// cold start takes longer (milliseconds), size the memory (MiB), frequency the uses of the function's
/// instances that are there, and clock that of the machine at the function's last use. Whoever goes sets the
/// clock to its priority, so that what is not used falls behind. As its simulator has it (aFuerst/
/// faascache-sim, LambdaScheduler.py, policy GD), with two differences that come from the machine here: a
/// message for which no room can be made waits instead of being dropped, and for a function that has
/// instances already nothing goes unless a whole one fits then.
struct FaasCacheOptions {
  std::uint32_t max = 1000;  ///< instances of one queue
};

/// What all functions of one machine have in common.
struct FaasCacheClock {
  double priority = 0;  ///< of the last that went
};

/// Means something only where memory is limited; without a limit nothing is ever stopped.
std::unique_ptr<Scaler> make_faascache_scaler(const FaasCacheOptions& options,
                                              std::shared_ptr<FaasCacheClock> clock);

}  // namespace forewarm
