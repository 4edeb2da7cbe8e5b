#include "core/scale/override.h"

#include <algorithm>

namespace forewarm {
namespace {

constexpr double kFactorMax = 1e9;

}  // namespace

OverrideBounds overrides_at(std::span<const ScalingOverride> overrides, TimePoint now, Duration lead) {
  OverrideBounds bounds;
  const TimePoint warm_for = saturating_add(now, lead);
  for (const ScalingOverride& each : overrides) {
    if (each.from > warm_for) break;
    if (each.until <= now) continue;
    // A maintenance must not take instances away before it begins.
    const bool begun = each.from <= now;
    if (each.at_least) bounds.at_least = std::max(bounds.at_least, *each.at_least);
    if (each.at_most && begun) bounds.at_most = std::min(bounds.at_most.value_or(UINT32_MAX), *each.at_most);
    if (each.factor > 1 || (each.factor >= 0 && begun)) bounds.factor *= each.factor;
  }
  if (!(bounds.factor <= kFactorMax)) bounds.factor = kFactorMax;  // NaN too
  return bounds;
}

TimePoint next_override_change(std::span<const ScalingOverride> overrides, TimePoint now, Duration lead) {
  TimePoint next = kNever;
  const TimePoint warm_for = saturating_add(now, lead);
  for (const ScalingOverride& each : overrides) {
    if (each.until <= now) continue;
    if (each.from > warm_for) return std::min(next, each.from - lead);  // the others begin later
    next = std::min(next, each.from > now ? each.from : each.until);
  }
  return next;
}

}  // namespace forewarm
