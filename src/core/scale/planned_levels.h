#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "core/model/directive.h"

namespace forewarm {

/// How a course of directives becomes numbers that something else sets at their times.
struct LevelRules {
  Duration every = 1min;  ///< no two steps within it; each is at a whole multiple of it
  Duration delay = 5min;  ///< a fall comes so much later than in the course
  std::size_t steps_max = 20;
};

/// The steps that are to come, in order of time, beginning with `set` now: at each time no fewer instances
/// than any directive wants that has begun (its `set_at`, which is before its need by the lead time) and did
/// not end longer than `delay` ago. A fall that is due already is none of them. Where these are more than
/// `steps_max`, those go that cost least to do without, by raising what they part. So steps rise early and
/// fall late, and never the other way round.
std::vector<PlannedLevel> planned_levels(std::span<const Directive> course, TimePoint now, std::uint32_t set,
                                         const LevelRules& rules);

}  // namespace forewarm
