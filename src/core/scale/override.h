#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "base/time.h"
#include "core/model/settings.h"

namespace forewarm {

/// What all overrides together say at a time. Where windows overlap, the largest `at_least` and the smallest
/// `at_most` count, and factors multiply.
struct OverrideBounds {
  std::uint32_t at_least = 0;
  std::optional<std::uint32_t> at_most;
  double factor = 1;
};

/// `overrides` ascend by `from`. What asks for more begins `lead` before its window, what asks for less with
/// it. O(windows that have begun).
OverrideBounds overrides_at(std::span<const ScalingOverride> overrides, TimePoint now, Duration lead);

/// The next time after `now` at which overrides_at() may say something else; kNever if there is none.
TimePoint next_override_change(std::span<const ScalingOverride> overrides, TimePoint now, Duration lead);

}  // namespace forewarm
