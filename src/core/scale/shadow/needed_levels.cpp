#include "core/scale/shadow/needed_levels.h"

#include <algorithm>

namespace forewarm {

NeededLevels::NeededLevels(std::uint32_t instance_capacity, std::uint32_t levels_max)
    : capacity_(std::max(1U, instance_capacity)),
      slots_max_(std::size_t{capacity_} * std::max(1U, levels_max)),
      free_at_(2, kNever) {}

NeededLevels::Need NeededLevels::arrive(TimePoint at, Duration slack, Duration service) {
  std::size_t slot = lowest_free(saturating_add(at, slack));
  if (slot == slots_ && slots_ == slots_max_) slot = first_free();
  if (slot == slots_) grow();
  Need need{.level = static_cast<std::uint32_t>(slot / capacity_)};
  need.first = need.level == idle_from_.size();
  if (need.first) idle_from_.push_back(at);
  TimePoint& idle_from = idle_from_[need.level];
  if (idle_from < at) need.gap = at - idle_from;
  const TimePoint free_at = free_at_[free_at_.size() / 2 + slot];
  const TimePoint start = free_at == kNever ? at : std::max(at, free_at);
  const TimePoint end = saturating_add(start, std::max(service, Duration(0)));
  occupy(slot, end);
  idle_from = std::max(idle_from, end);
  return need;
}

/// slots_ if none is free by then.
std::size_t NeededLevels::lowest_free(TimePoint by) const {
  if (free_at_[1] > by) return slots_;
  const std::size_t leaves = free_at_.size() / 2;
  std::size_t node = 1;
  while (node < leaves) node = free_at_[2 * node] <= by ? 2 * node : 2 * node + 1;
  return node - leaves;
}

std::size_t NeededLevels::first_free() const {
  const std::size_t leaves = free_at_.size() / 2;
  std::size_t node = 1;
  while (node < leaves) node = free_at_[2 * node] == free_at_[node] ? 2 * node : 2 * node + 1;
  return node - leaves;
}

void NeededLevels::occupy(std::size_t slot, TimePoint until) {
  std::size_t node = free_at_.size() / 2 + slot;
  free_at_[node] = until;
  for (node /= 2; node >= 1; node /= 2) free_at_[node] = std::min(free_at_[2 * node], free_at_[2 * node + 1]);
}

/// One slot more; slots that do not exist are never free.
void NeededLevels::grow() {
  const std::size_t leaves = free_at_.size() / 2;
  if (slots_ == leaves) {
    std::vector<TimePoint> larger(4 * leaves, kNever);
    std::copy(free_at_.begin() + static_cast<std::ptrdiff_t>(leaves), free_at_.end(),
              larger.begin() + static_cast<std::ptrdiff_t>(2 * leaves));
    for (std::size_t node = 2 * leaves - 1; node >= 1; --node)
      larger[node] = std::min(larger[2 * node], larger[2 * node + 1]);
    free_at_ = std::move(larger);
  }
  ++slots_;
}

}  // namespace forewarm
