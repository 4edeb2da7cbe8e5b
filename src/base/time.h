#pragma once

#include <chrono>
#include <cstdint>

namespace forewarm {

/// All durations are whole microseconds: enough for a start time, small enough for 290,000 years.
using Duration = std::chrono::microseconds;

/// Tag of the core's time line. It has no now(): time is an argument, given by the world.
struct CoreClock {
  using rep = Duration::rep;
  using period = Duration::period;
  using duration = Duration;
};

/// Microseconds since the Unix epoch on a line that never goes back, whatever the wall clock does.
using TimePoint = std::chrono::time_point<CoreClock, Duration>;

using std::chrono_literals::operator""us;
using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""s;
using std::chrono_literals::operator""min;
using std::chrono_literals::operator""h;

/// "Never", for a wake-up that is not needed.
inline constexpr TimePoint kNever = TimePoint::max();

constexpr TimePoint time_point_us(std::int64_t us_since_epoch) {
  return TimePoint(Duration(us_since_epoch));
}
constexpr std::int64_t count_us(TimePoint time) {
  return time.time_since_epoch().count();
}

constexpr double seconds(Duration duration) {
  return static_cast<double>(duration.count()) * 1e-6;
}

/// Rounds to the nearest microsecond; a value beyond the range (or not a number) becomes the nearest end (or
/// zero).
constexpr Duration from_seconds(double value) {
  constexpr double kLimit = 9.0e12;  // 285,000 years, still exact enough when added to a TimePoint
  if (!(value == value)) return Duration(0);
  if (value > kLimit) value = kLimit;
  if (value < -kLimit) value = -kLimit;
  return Duration(static_cast<std::int64_t>(value * 1e6 + (value < 0 ? -0.5 : 0.5)));
}

/// Later than `time` by `duration`, without overflow.
/// In doubles: at either end of the time line the difference does not fit a Duration.
constexpr double seconds_between(TimePoint from, TimePoint to) {
  return (static_cast<double>(count_us(to)) - static_cast<double>(count_us(from))) * 1e-6;
}

constexpr TimePoint saturating_add(TimePoint time, Duration duration) {
  if (duration.count() > 0 && time > kNever - duration) return kNever;
  return time + duration;
}

}  // namespace forewarm
