#include "core/history/interval_counts.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "base/check.h"

namespace forewarm {
namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr std::size_t kFirstSteps = 64;
constexpr IntervalCount kGap = {.arrivals = kNan, .bytes = kNan, .work_seconds = kNan};

}  // namespace

IntervalCounts::IntervalCounts(Duration step, std::size_t capacity) : step_(step), capacity_(capacity) {
  check(step > Duration(0), "a step takes time");
  check(capacity > 0, "room for one step");
}

void IntervalCounts::observe_arrival(TimePoint at, std::uint32_t bytes, Priority priority) {
  begin_or_advance(at);
  sums_.arrivals += 1;
  sums_.bytes += bytes;
  open_.arrivals = static_cast<float>(sums_.arrivals);
  open_.bytes = static_cast<float>(sums_.bytes);
  by_priority_[std::min(priority, kPriorityMax)] += 1;
}

void IntervalCounts::observe_arrivals(TimePoint at, double count) {
  begin_or_advance(at);
  sums_.arrivals += std::max(0.0, count);
  open_.arrivals = static_cast<float>(sums_.arrivals);
}

void IntervalCounts::observe_work(TimePoint at, Duration service_time) {
  begin_or_advance(at);
  sums_.work_seconds += std::max(0.0, seconds(service_time));
  open_.work_seconds = static_cast<float>(sums_.work_seconds);
}

std::size_t IntervalCounts::advance(TimePoint now) {
  close_until(now);
  return std::exchange(closed_unasked_, 0);
}

void IntervalCounts::close_until(TimePoint now) {
  if (empty() || now < open_start_) return;
  const auto steps = static_cast<std::size_t>((now - open_start_) / step_);
  if (steps == 0) return;
  close(gap_ ? kGap : open_, 1);
  close({}, steps - 1);
  sums_ = {};
  open_ = {};
  by_priority_ = {};
  gap_ = false;
  open_start_ += step_ * static_cast<Duration::rep>(steps);
}

void IntervalCounts::mark_gap(TimePoint now) {
  if (empty() || now <= open_start_) return;
  const auto steps = static_cast<std::size_t>((now - open_start_) / step_);
  if (steps > 0) {
    close(kGap, steps);
    sums_ = {};
    open_ = {};
    by_priority_ = {};
    open_start_ += step_ * static_cast<Duration::rep>(steps);
  }
  gap_ = now > open_start_;
}

void IntervalCounts::restore(TimePoint start, std::span<const IntervalCount> before, TimePoint now) {
  const bool fresh = empty();
  start = aligned(start);
  if (fresh) open_start_ = aligned(now);
  const TimePoint own_start = open_start_ - step_ * static_cast<Duration::rep>(count_);
  if (start < TimePoint() || start >= own_start) return;
  // Whatever lies further back than the ring reaches is not looked at, however long it is.
  const auto all = static_cast<std::size_t>((own_start - start) / step_);
  const std::size_t room = capacity_ > count_ ? capacity_ - count_ : 0;
  const std::size_t kept = std::min(all, room);
  if (before.size() <= all - kept) return;
  std::vector<IntervalCount> steps(kept, kGap);
  for (std::size_t i = all - kept; i < std::min(all, before.size()); ++i) steps[i - (all - kept)] = before[i];
  for (std::size_t age = count_; age > 0; --age) steps.push_back(closed_at(age - 1));
  ring_.assign(std::min(capacity_, std::max(kFirstSteps, steps.size())), {});
  std::ranges::copy(steps, ring_.begin());
  count_ = steps.size();
  next_ = count_ % capacity_;
  if (fresh) gap_ = now > open_start_;
}

std::vector<float> IntervalCounts::arrivals(std::size_t count) const {
  const std::size_t wanted = std::min(count, count_);
  std::vector<float> result(wanted);
  for (std::size_t i = 0; i < wanted; ++i) result[i] = closed_at(wanted - 1 - i).arrivals;
  return result;
}

IntervalCount IntervalCounts::closed_at(std::size_t age) const {
  check(age < count_, "a closed step that is kept");
  return ring_[(next_ + capacity_ - 1 - age) % capacity_];
}

void IntervalCounts::begin_or_advance(TimePoint at) {
  if (empty()) {
    ring_.resize(std::min(capacity_, kFirstSteps));
    open_start_ = aligned(at);
  } else {
    close_until(at);
  }
}

void IntervalCounts::close(const IntervalCount& count, std::size_t steps) {
  for (std::size_t i = std::min(steps, capacity_); i > 0; --i) {
    // A ring that grows with its queue's age: a thousand new queues must not cost a hundred megabytes at
    // once.
    if (next_ == ring_.size()) ring_.resize(std::min(capacity_, 2 * ring_.size()));
    ring_[next_] = count;
    next_ = (next_ + 1) % capacity_;
  }
  count_ = std::min(capacity_, count_ + std::min(steps, capacity_));
  closed_unasked_ += steps;
}

TimePoint IntervalCounts::aligned(TimePoint at) const {
  const auto past = at.time_since_epoch() % step_;
  return at - (past < Duration(0) ? past + step_ : past);
}

}  // namespace forewarm
