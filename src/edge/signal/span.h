#pragma once

#include <span>
#include <vector>

#include "base/time.h"

namespace forewarm {

/// Something that goes on from `begin` until before `end`: a holiday, a campaign, a run of a cron job.
struct Occurrence {
  TimePoint begin;
  TimePoint end;

  friend bool operator==(const Occurrence&, const Occurrence&) = default;
};

/// A value that holds from `at` until the next change.
struct LevelChange {
  TimePoint at;
  double value = 0;

  friend bool operator==(const LevelChange&, const LevelChange&) = default;
};

/// How many of the spans go on at a time, as the changes of that number inside [from, to). The first change
/// is at `from` and says what holds there. Spans may overlap and come in any order; those without a length
/// count nowhere.
std::vector<LevelChange> count_spans(std::span<const Occurrence> spans, TimePoint from, TimePoint to);

}  // namespace forewarm
