#pragma once

#include <cstdint>
#include <optional>

#include "core/model/choice_memory.h"
#include "core/model/function_memory.h"
#include "core/model/ids.h"
#include "core/model/scaler_memory.h"

namespace forewarm {

/// Rises when a member of WatchMemory comes, goes or changes its meaning, or one of what it holds: what
/// another version wrote is not taken.
inline constexpr std::int64_t kWatchMemoryVersion = 1000 * kScalerMemoryVersion + 2;

/// All that has been learnt of a queue that is seen through metrics only (core/watch/watched_queue.h), beside
/// what is in its history.
struct WatchMemory {
  std::uint64_t learnt = 0;                 ///< messages and starts
  std::optional<ScalerMemory> scaler = {};  ///< none: it had seen no message
  SketchMemory starts = {};                 ///< from asked for to ready
  SketchMemory service = {};                ///< of one message
  ChoiceMemory choice = {};

  friend bool operator==(const WatchMemory&, const WatchMemory&) = default;
};

/// Gives it back. No event of the orchestrator's, which knows every message of its queues.
struct WatchRestored {
  QueueId queue;
  WatchMemory memory;
  friend bool operator==(const WatchRestored&, const WatchRestored&) = default;
};

}  // namespace forewarm
