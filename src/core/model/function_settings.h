#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/time.h"
#include "core/model/ids.h"

namespace forewarm {

inline constexpr std::size_t kVariantsMax = 8;

/// One way to run a function: a size, a command. The edge knows the command.
struct FunctionVariant {
  std::uint64_t memory_bytes = 128ULL << 20;  ///< declared; what a second of the variant costs goes by it
  std::uint32_t concurrency_max = 0;          ///< instances at a time; 0: as many as the function may have

  friend bool operator==(const FunctionVariant&, const FunctionVariant&) = default;
};

struct FunctionSettings {
  FunctionId id;
  std::uint32_t version = 1;  ///< instances of an older version finish what they do and stop
  Duration timeout = 30s;
  std::uint32_t concurrency_max = 100;  ///< instances at a time, over all its mappings
  Duration start_time_guess = 1s;       ///< lead time until starts have been measured
  std::vector<FunctionVariant> variants = {FunctionVariant{}};  ///< at most kVariantsMax
  std::optional<Duration> freeze_after = {};  ///< an instance idle for this long is frozen; none: never
  bool group_affinity =
      false;  ///< a message goes to the instance that ran its group last, where that is free

  friend bool operator==(const FunctionSettings&, const FunctionSettings&) = default;
};

}  // namespace forewarm
