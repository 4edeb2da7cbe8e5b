#include "core/scale/shadow/needed_levels.h"

#include <algorithm>
#include <functional>
#include <numeric>
#include <tuple>
#include <utility>

namespace forewarm {
namespace {

constexpr auto kFreeLater = [](const auto& a, const auto& b) {
  return std::tie(a.free_at, a.slot) > std::tie(b.free_at, b.slot);
};

}  // namespace

NeededLevels::NeededLevels(std::uint32_t instance_capacity, std::uint32_t levels_max)
    : capacity_(std::max(1U, instance_capacity)),
      slots_max_(std::size_t{capacity_} * std::max(1U, levels_max)) {}

NeededLevels::Need NeededLevels::arrive(TimePoint at, Duration slack, Duration service) {
  const std::size_t slot = take_slot(at, saturating_add(at, slack));
  Need need;
  need.level = static_cast<std::uint32_t>(slot / capacity_);
  need.first = need.level == idle_from_.size();
  if (need.first) idle_from_.push_back(at);
  TimePoint& idle_from = idle_from_[need.level];
  if (idle_from < at) need.gap = from_seconds(seconds_between(idle_from, at));
  free_at_[slot] = saturating_add(std::max(at, free_at_[slot]), std::max(service, Duration(0)));
  idle_from = std::max(idle_from, free_at_[slot]);
  working_.push_back({free_at_[slot], slot});
  std::ranges::push_heap(working_, kFreeLater);
  return need;
}

void NeededLevels::restore(std::vector<TimePoint> idle_from) {
  idle_from_ = std::move(idle_from);
  slots_ = idle_from_.size() * capacity_;
  working_.clear();
  idle_.resize(slots_);
  std::iota(idle_.begin(), idle_.end(), 0);  // in order, and so a heap
  free_at_.resize(slots_);
  for (std::size_t slot = 0; slot < slots_; ++slot) free_at_[slot] = idle_from_[slot / capacity_];
}

/// Takes the slot out of those that work, or that are idle.
std::size_t NeededLevels::take_slot(TimePoint at, TimePoint start_by) {
  const auto take_working = [this] {
    std::ranges::pop_heap(working_, kFreeLater);
    const std::size_t slot = working_.back().slot;
    working_.pop_back();
    return slot;
  };
  while (!working_.empty() && working_.front().free_at <= at) {
    idle_.push_back(take_working());
    std::ranges::push_heap(idle_, std::greater<>());
  }
  if (!working_.empty() && working_.front().free_at <= start_by) return take_working();
  if (!idle_.empty()) {
    std::ranges::pop_heap(idle_, std::greater<>());
    const std::size_t slot = idle_.back();
    idle_.pop_back();
    return slot;
  }
  if (slots_ == slots_max_) return take_working();
  free_at_.push_back(at);
  return slots_++;
}

}  // namespace forewarm
