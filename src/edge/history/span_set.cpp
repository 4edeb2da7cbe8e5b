#include "edge/history/span_set.h"

#include <algorithm>

namespace forewarm {

Span widened(Span span, std::int64_t step) {
  const auto down = [step](std::int64_t at) { return at - ((at % step) + step) % step; };
  return {down(span.start), down(span.until + step - 1)};
}

Span clipped(Span span, Span bounds) {
  const Span part{std::max(span.start, bounds.start), std::min(span.until, bounds.until)};
  return part.until > part.start ? part : Span{part.start, part.start};
}

void SpanSet::add(Span span) {
  if (span.length() == 0) return;
  const auto first =
      std::ranges::partition_point(spans_, [&](const Span& other) { return other.until < span.start; });
  auto last = first;
  for (; last != spans_.end() && last->start <= span.until; ++last) {
    span = {std::min(span.start, last->start), std::max(span.until, last->until)};
  }
  spans_.insert(spans_.erase(first, last), span);
}

void SpanSet::remove(Span span) {
  if (span.length() == 0) return;
  const auto first =
      std::ranges::partition_point(spans_, [&](const Span& other) { return other.until <= span.start; });
  auto last = first;
  std::vector<Span> left;
  for (; last != spans_.end() && last->start < span.until; ++last) {
    if (last->start < span.start) left.push_back({last->start, span.start});
    if (last->until > span.until) left.push_back({span.until, last->until});
  }
  spans_.insert(spans_.erase(first, last), left.begin(), left.end());
}

std::int64_t SpanSet::overlap(Span span) const {
  std::int64_t sum = 0;
  auto at =
      std::ranges::partition_point(spans_, [&](const Span& other) { return other.until <= span.start; });
  for (; at != spans_.end() && at->start < span.until; ++at) sum += clipped(*at, span).length();
  return sum;
}

}  // namespace forewarm
