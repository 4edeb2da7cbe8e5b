#include "edge/signal/span.h"

#include <map>

namespace forewarm {

std::vector<LevelChange> count_spans(std::span<const Occurrence> spans, TimePoint from, TimePoint to) {
  std::map<TimePoint, int> steps;
  int open = 0;
  for (const Occurrence& span : spans) {
    if (span.end <= span.begin || span.end <= from || span.begin >= to) continue;
    if (span.begin <= from)
      ++open;
    else
      ++steps[span.begin];
    if (span.end < to) --steps[span.end];
  }
  std::vector<LevelChange> changes{{from, static_cast<double>(open)}};
  for (const auto& [at, step] : steps) {
    open += step;
    if (step != 0) changes.push_back({at, static_cast<double>(open)});
  }
  return changes;
}

}  // namespace forewarm
