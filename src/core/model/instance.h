#pragma once

#include <cstdint>

#include "base/time.h"
#include "core/model/ids.h"

namespace forewarm {

enum class InstanceState : std::uint8_t {
  Starting,
  Idle,
  Busy,
  Frozen,  ///< idle with its processes stopped: keeps its memory, uses no processor, resumes at once
  Stopping,
};

/// Why an instance went away.
enum class LossReason : std::uint8_t {
  Stopped,       ///< as asked
  StartFailed,   ///< its command could not be run, or its init reported an error
  StartTimeout,  ///< it did not become ready in time
  Crashed,       ///< its process ended by itself
  Killed,        ///< ended after a timeout or by the operating system
};

/// How many instances of one function are in each state.
struct InstanceCounts {
  std::uint32_t starting = 0;
  std::uint32_t idle = 0;
  std::uint32_t busy = 0;
  std::uint32_t frozen = 0;
  std::uint32_t stopping = 0;

  std::uint32_t free() const { return idle + frozen; }
  std::uint32_t usable() const { return starting + free() + busy; }
  std::uint32_t all() const { return usable() + stopping; }

  friend bool operator==(const InstanceCounts&, const InstanceCounts&) = default;
};

}  // namespace forewarm
