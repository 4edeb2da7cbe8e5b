#pragma once

#include <cstdint>
#include <vector>

#include "base/time.h"

namespace forewarm {

/// A half-open stretch of time, [start, until), in milliseconds since the Unix epoch.
struct Span {
  std::int64_t start = 0;
  std::int64_t until = 0;

  std::int64_t length() const { return until > start ? until - start : 0; }
  friend bool operator==(const Span&, const Span&) = default;
};

constexpr std::int64_t count_ms(Duration duration) {
  return duration.count() / 1000;
}
constexpr std::int64_t count_ms(TimePoint time) {
  return count_ms(time.time_since_epoch());
}
constexpr Duration duration_ms(std::int64_t count) {
  return Duration(count * 1000);
}
constexpr TimePoint time_point_ms(std::int64_t since_epoch) {
  return TimePoint(duration_ms(since_epoch));
}

/// Rounded to multiples of `step`, outwards.
Span widened(Span span, std::int64_t step);
/// The part of `span` inside `bounds`; of length zero when they do not meet.
Span clipped(Span span, Span bounds);

/// A set of moments as disjoint spans in ascending order, neighbours joined.
class SpanSet {
 public:
  void add(Span span);
  void remove(Span span);
  /// How much of `span` is in the set.
  std::int64_t overlap(Span span) const;
  const std::vector<Span>& spans() const { return spans_; }
  bool empty() const { return spans_.empty(); }

 private:
  std::vector<Span> spans_;
};

}  // namespace forewarm
