#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/check.h"
#include "base/time.h"

namespace forewarm {

/// What a timer belongs to; tells how to cast a Timed back.
enum class TimerKind : std::uint8_t { Message, Receiver, Tick, Batch, SignalNews, Freeze, Starts, Breakers };

/// A thing that can wait for a time. It must stay where it is while it waits.
struct Timed {
  static constexpr std::uint32_t kNotWaiting = ~std::uint32_t{0};

  explicit Timed(TimerKind timer_kind) : kind(timer_kind) {}

  std::uint32_t heap_position = kNotWaiting;
  TimerKind kind;

  bool waiting() const { return heap_position != kNotWaiting; }
};

/// A 4-ary heap that knows where each entry is. Most messages are deleted long before their timer is due, so
/// taking one out of the middle must be cheap and leave nothing behind; a heap with lazy deletion would keep
/// half a minute's worth of dead entries.
class TimerHeap {
 public:
  void set(Timed& timed, TimePoint when) {
    if (!timed.waiting()) {
      timed.heap_position = static_cast<std::uint32_t>(entries_.size());
      entries_.push_back({when, &timed});
      move_up(timed.heap_position);
      return;
    }
    const std::uint32_t position = timed.heap_position;
    const bool earlier = when < entries_[position].when;
    entries_[position].when = when;
    if (earlier) {
      move_up(position);
    } else {
      move_down(position);
    }
  }

  void cancel(Timed& timed) {
    if (!timed.waiting()) return;
    const std::uint32_t position = timed.heap_position;
    check(entries_[position].timed == &timed, "a timer is where it says");
    timed.heap_position = Timed::kNotWaiting;
    const Entry last = entries_.back();
    entries_.pop_back();
    if (position == entries_.size()) return;
    place(position, last);
    move_up(position);
    move_down(last.timed->heap_position);
  }

  /// kNever where it does not wait.
  TimePoint due(const Timed& timed) const {
    return timed.waiting() ? entries_[timed.heap_position].when : kNever;
  }
  TimePoint next() const { return entries_.empty() ? kNever : entries_.front().when; }
  /// The first one that is due, taken out; null if none is.
  Timed* take_due(TimePoint now) {
    if (next() > now) return nullptr;
    Timed* timed = entries_.front().timed;
    cancel(*timed);
    return timed;
  }

 private:
  struct Entry {
    TimePoint when;
    Timed* timed = nullptr;
  };

  void place(std::size_t position, Entry entry) {
    entries_[position] = entry;
    entry.timed->heap_position = static_cast<std::uint32_t>(position);
  }

  void move_up(std::size_t position) {
    const Entry entry = entries_[position];
    while (position > 0) {
      const std::size_t parent = (position - 1) / 4;
      if (entries_[parent].when <= entry.when) break;
      place(position, entries_[parent]);
      position = parent;
    }
    place(position, entry);
  }

  void move_down(std::size_t position) {
    const Entry entry = entries_[position];
    for (;;) {
      const std::size_t first = position * 4 + 1;
      if (first >= entries_.size()) break;
      std::size_t least = first;
      for (std::size_t child = first + 1; child < first + 4 && child < entries_.size(); ++child) {
        if (entries_[child].when < entries_[least].when) least = child;
      }
      if (entry.when <= entries_[least].when) break;
      place(position, entries_[least]);
      position = least;
    }
    place(position, entry);
  }

  std::vector<Entry> entries_;
};

}  // namespace forewarm
