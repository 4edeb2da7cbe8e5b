#include "edge/cloud/metrics/metric_source.h"

#include <algorithm>

namespace forewarm {

void MetricPeriods::put(TimePoint start, Duration length, Field field, double value) {
  MetricPeriod& period = by_start_.try_emplace(start, MetricPeriod{.start = start}).first->second;
  period.length = length;
  period.*field = value;
}

std::vector<MetricPeriod> MetricPeriods::all() const {
  std::vector<MetricPeriod> periods;
  periods.reserve(by_start_.size());
  for (const auto& [start, period] : by_start_) periods.push_back(period);
  return periods;
}

std::vector<MetricPeriod> MetricPeriods::within(const MetricRange& range) const {
  std::vector<MetricPeriod> periods = all();
  std::erase_if(periods, [&](const MetricPeriod& period) {
    return period.start < range.from || period.end() > range.to;
  });
  return periods;
}

std::vector<MetricPeriod> settled_periods(const std::vector<MetricPeriod>& periods, TimePoint now,
                                          const SettledPeriods& how) {
  const auto counted = [&](const MetricPeriod& period) { return (period.*how.count).has_value(); };
  const auto last = std::ranges::find_if(periods.rbegin(), periods.rend(), counted);
  const TimePoint counted_until = last == periods.rend() ? TimePoint() : last->start;
  std::vector<MetricPeriod> settled;
  TimePoint before = how.next.value_or(periods.empty() ? TimePoint() : periods.front().start);
  for (const MetricPeriod& period : periods) {
    // A hole before it may yet be filled.
    if (how.hold && period.start > before && now - period.start < how.settle) break;
    const bool sure = now - period.end() >= how.settle;
    const bool whole = period.waiting && (counted(period) || sure || period.start <= counted_until);
    if (!whole && how.hold && !sure) break;
    before = period.end();
    if (!whole) continue;
    MetricPeriod& one = settled.emplace_back(period);
    one.*how.count = (period.*how.count).value_or(0);
    one.done = one.done.value_or(0);
  }
  return settled;
}

}  // namespace forewarm
