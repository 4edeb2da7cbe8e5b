#pragma once

#include <cstdint>
#include <optional>

#include "core/model/choice_memory.h"
#include "core/model/scaler_memory.h"

namespace forewarm {

/// Rises when a member of QueueMemory comes, goes or changes its meaning, or one of what it holds: what
/// another version wrote is not taken.
inline constexpr std::int64_t kQueueMemoryVersion = 1000 * kScalerMemoryVersion + 501;

/// What has been learnt of one of the orchestrator's queues, beside what is in its history.
struct QueueMemory {
  std::optional<ScalerMemory> scaler = {};  ///< none: it had seen no message
  ChoiceMemory choice = {};

  friend bool operator==(const QueueMemory&, const QueueMemory&) = default;
};

}  // namespace forewarm
