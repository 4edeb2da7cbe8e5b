#pragma once

#include <bitset>
#include <optional>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "edge/signal/span.h"
#include "edge/signal/time_zone.h"

namespace forewarm {

/// A cron expression: minute, hour, day of month, month, day of week (crontab(5) of Vixie cron), with names,
/// lists, ranges, steps and @hourly ... @yearly.
///
/// Where both days are restricted either is enough, as in cron. Clocks that change: a time that they are put
/// forward over fires at the moment of the change, one that they show twice fires the first time; with every
/// hour (*) it is real hours that count.
class Cron {
 public:
  /// Invalid with the field, what it may hold and what came; also if no day ever fits (30 February).
  static Result<Cron> parse(std::string_view text, TimeZone zone);

  /// The first time it fires after `after`; kNever beyond about eight years.
  TimePoint next(TimePoint after) const;
  /// Its firings in [from, to), each going on for `length`: at most `spans_max`, the earliest.
  std::vector<Occurrence> spans(TimePoint from, TimePoint to, Duration length, std::size_t spans_max) const;

 private:
  bool fits(LocalTime midnight) const;
  std::vector<TimePoint> firings(LocalTime local, std::optional<Duration> steady) const;
  TimePoint next_in_day(LocalTime midnight, TimePoint after) const;

  std::bitset<60> minutes_;
  std::bitset<24> hours_;
  std::bitset<32> days_;
  std::bitset<13> months_;
  std::bitset<7> weekdays_;  ///< 0 is Sunday
  bool every_hour_ = false;
  bool any_day_ = false;  ///< the day of the month begins with *
  bool any_weekday_ = false;
  TimeZone zone_;
};

}  // namespace forewarm
