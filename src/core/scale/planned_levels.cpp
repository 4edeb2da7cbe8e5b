#include "core/scale/planned_levels.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "base/check.h"

namespace forewarm {
namespace {

/// A time in which so many have to be set.
struct LevelSpan {
  TimePoint from;
  TimePoint to;
  std::uint32_t instances = 0;
};

std::vector<LevelSpan> spans_of(std::span<const Directive> course, TimePoint now, std::uint32_t set,
                                Duration delay) {
  std::vector<LevelSpan> spans{{now, kNever, set}};
  for (const Directive& directive : course) {
    spans.back().to = saturating_add(directive.from, delay);
    // A fall that is due is the business of whoever looks at the queue now; here it would slide with the
    // time.
    const bool due = directive.set_at <= now;
    spans.push_back(
        {directive.set_at, kNever, due ? std::max(set, directive.instances) : directive.instances});
  }
  return spans;
}

/// The most that holds at any moment of a time. Spans touch or overlap, so that there is always one.
std::uint32_t most_within(std::span<const LevelSpan> spans, TimePoint from, TimePoint to) {
  std::uint32_t most = 0;
  for (const LevelSpan& span : spans)
    if (span.from < to && span.to > from) most = std::max(most, span.instances);
  return most;
}

/// Nothing changes after it.
TimePoint last_change(std::span<const LevelSpan> spans) {
  TimePoint last = spans.front().from;
  for (const LevelSpan& span : spans) {
    last = std::max(last, span.from);
    if (span.to != kNever) last = std::max(last, span.to);
  }
  return last;
}

std::vector<PlannedLevel> steps_of(std::span<const LevelSpan> spans, TimePoint now, std::uint32_t set,
                                   Duration every) {
  std::vector<PlannedLevel> steps;
  std::uint32_t before = set;
  const TimePoint last = last_change(spans);
  // What this time began with is set already, or is told at once.
  for (TimePoint at(every * (now.time_since_epoch() / every + 1)); at <= last + every; at += every) {
    const std::uint32_t most = most_within(spans, at, at + every);
    if (most != before) steps.push_back({at, most});
    before = most;
  }
  return steps;
}

/// What removing the i-th step costs, in instance time: the lower of the two levels that it parts is raised
/// to the other. The first step cannot be a rise that goes, since what is before it is set already.
double cost_without(std::span<const PlannedLevel> steps, std::size_t i, std::uint32_t set, TimePoint end) {
  const std::uint32_t before = i == 0 ? set : steps[i - 1].instances;
  const std::uint32_t here = steps[i].instances;
  if (here < before) {
    const TimePoint until = i + 1 < steps.size() ? steps[i + 1].at : end;
    return static_cast<double>(before - here) * seconds(until - steps[i].at);
  }
  if (i == 0) return std::numeric_limits<double>::infinity();
  return static_cast<double>(here - before) * seconds(steps[i].at - steps[i - 1].at);
}

void remove_step(std::vector<PlannedLevel>& steps, std::size_t i, std::uint32_t set) {
  const std::uint32_t before = i == 0 ? set : steps[i - 1].instances;
  if (steps[i].instances > before) steps[i - 1].instances = steps[i].instances;
  steps.erase(steps.begin() + static_cast<std::ptrdiff_t>(i));
  // What is no change any more goes with it.
  std::uint32_t level = set;
  std::erase_if(steps, [&level](const PlannedLevel& step) {
    return std::exchange(level, step.instances) == step.instances;
  });
}

}  // namespace

std::vector<PlannedLevel> planned_levels(std::span<const Directive> course, TimePoint now, std::uint32_t set,
                                         const LevelRules& rules) {
  check(rules.every > Duration(0) && rules.steps_max > 0, "steps have a length, and there is room for one");
  const std::vector<LevelSpan> spans = spans_of(course, now, set, rules.delay);
  std::vector<PlannedLevel> steps = steps_of(spans, now, set, rules.every);
  // The last level is taken to last as long as all before it.
  const TimePoint end = steps.empty() ? now : steps.back().at + (steps.back().at - now);
  while (steps.size() > rules.steps_max) {
    std::size_t cheapest = 0;
    for (std::size_t i = 1; i < steps.size(); ++i)
      if (cost_without(steps, i, set, end) < cost_without(steps, cheapest, set, end)) cheapest = i;
    remove_step(steps, cheapest, set);
  }
  return steps;
}

}  // namespace forewarm
