#include "edge/signal/time_zone.h"

#include <libical/ical.h>

#include <algorithm>
#include <chrono>
#include <string>

namespace forewarm {
namespace {

/// A zone's clocks are put back and forward by less than this, and not twice within it.
constexpr Duration kLongestShift = 26h;

icaltimetype broken_down(TimePoint at) {
  const std::chrono::sys_time<Duration> time(at.time_since_epoch());
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(std::chrono::floor<std::chrono::seconds>(time - day));
  icaltimetype out = icaltime_null_time();
  out.year = static_cast<int>(date.year());
  out.month = static_cast<int>(static_cast<unsigned>(date.month()));
  out.day = static_cast<int>(static_cast<unsigned>(date.day()));
  out.hour = static_cast<int>(clock.hours().count());
  out.minute = static_cast<int>(clock.minutes().count());
  out.second = static_cast<int>(clock.seconds().count());
  out.zone = icaltimezone_get_utc_timezone();
  return out;
}

}  // namespace

std::recursive_mutex& libical_mutex() {
  static std::recursive_mutex mutex;
  return mutex;
}

Result<TimeZone> TimeZone::find(std::string_view name) {
  TimeZone zone;
  if (name == "UTC" || name == "Z" || name == "Etc/UTC") return zone;
  // libical takes a part of the name for a path.
  const bool plain =
      !name.empty() && name.size() < 64 && name.front() != '/' && std::ranges::all_of(name, [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '/' ||
               c == '_' || c == '-' || c == '+';
      });
  const std::lock_guard lock(libical_mutex());
  icaltimezone* found = plain ? icaltimezone_get_builtin_timezone(std::string(name).c_str()) : nullptr;
  if (found == nullptr) {
    return error(ErrorCode::Invalid,
                 "there is no time zone '" + std::string(name.substr(0, 64)) +
                     "'; expected a name of the tz database such as Europe/Berlin or UTC (the system's "
                     "package tzdata has them)");
  }
  zone.zone_ = found;
  return zone;
}

Duration TimeZone::offset_at(TimePoint at) const {
  if (zone_ == nullptr) return Duration(0);
  const std::lock_guard lock(libical_mutex());
  icaltimetype time = broken_down(at);
  int daylight = 0;
  return std::chrono::seconds(
      icaltimezone_get_utc_offset_of_utc_time(static_cast<icaltimezone*>(zone_), &time, &daylight));
}

std::vector<TimePoint> TimeZone::moments(LocalTime local) const {
  std::vector<TimePoint> out;
  const TimePoint as_utc(local);
  for (const Duration offset : {offset_at(as_utc - kLongestShift), offset_at(as_utc + kLongestShift)}) {
    const TimePoint at = as_utc - offset;
    if (offset_at(at) == offset && std::ranges::find(out, at) == out.end()) out.push_back(at);
  }
  std::ranges::sort(out);
  return out;
}

TimePoint TimeZone::reached(LocalTime local) const {
  if (const std::vector<TimePoint> shown = moments(local); !shown.empty()) return shown.front();
  // The clocks jump over it: the moment of the jump lies where the local time passes `local`.
  TimePoint before = TimePoint(local) - kLongestShift, after = TimePoint(local) + kLongestShift;
  while (after - before > 1s) {
    const TimePoint middle = before + (after - before) / 2;
    (this->local(middle) < local ? before : after) = middle;
  }
  return TimePoint(std::chrono::floor<std::chrono::seconds>(after.time_since_epoch()));
}

}  // namespace forewarm
