#include "edge/observe/clock_text.h"

#include <cmath>
#include <cstdio>
#include <ctime>

namespace forewarm {
namespace {

std::string utc_from_ms(std::int64_t ms) {
  const std::chrono::sys_time<std::chrono::milliseconds> at{std::chrono::milliseconds(ms)};
  const auto day = std::chrono::floor<std::chrono::days>(at);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss time(at - day);
  char text[64];
  std::snprintf(text, sizeof text, "%04d-%02u-%02uT%02d:%02d:%02d.%03dZ", static_cast<int>(date.year()),
                static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                static_cast<int>(time.hours().count()), static_cast<int>(time.minutes().count()),
                static_cast<int>(time.seconds().count()), static_cast<int>(time.subseconds().count()));
  return text;
}

std::string two_units(std::int64_t large, const char* large_name, std::int64_t small,
                      const char* small_name) {
  std::string text = std::to_string(large) + " " + large_name;
  if (small != 0) text += " " + std::to_string(small) + " " + small_name;
  return text;
}

}  // namespace

std::string utc_text(std::chrono::system_clock::time_point at) {
  return utc_from_ms(std::chrono::floor<std::chrono::milliseconds>(at).time_since_epoch().count());
}

std::string utc_text(TimePoint at) {
  return utc_from_ms(std::chrono::floor<std::chrono::milliseconds>(at.time_since_epoch()).count());
}

std::string local_clock_text(std::chrono::system_clock::time_point at) {
  const std::time_t whole =
      std::chrono::system_clock::to_time_t(std::chrono::floor<std::chrono::seconds>(at));
  const auto ms = std::chrono::floor<std::chrono::milliseconds>(at).time_since_epoch().count() % 1000;
  std::tm local{};
  localtime_r(&whole, &local);
  char text[32];
  std::snprintf(text, sizeof text, "%02d:%02d:%02d.%03d", local.tm_hour, local.tm_min, local.tm_sec,
                static_cast<int>(ms));
  return text;
}

std::string duration_text(Duration duration) {
  if (duration.count() < 0) return "-" + duration_text(-duration);
  const double s = seconds(duration);
  char text[32];
  if (duration < 1ms) {
    std::snprintf(text, sizeof text, "%lld \xc2\xb5s", static_cast<long long>(duration.count()));
    return duration.count() == 0 ? "0 s" : text;
  }
  if (duration < 999'500us) {
    std::snprintf(text, sizeof text, duration < 9950us ? "%.1f ms" : "%.0f ms", s * 1e3);
    return text;
  }
  if (s < 59.95) {
    std::snprintf(text, sizeof text, std::abs(s - std::round(s)) < 0.05 ? "%.0f s" : "%.1f s", s);
    return text;
  }
  const auto whole = static_cast<std::int64_t>(std::floor(s + 0.5));
  if (whole < 3600) return two_units(whole / 60, "min", whole % 60, "s");
  if (whole < 86'400) return two_units(whole / 3600, "h", whole % 3600 / 60, "min");
  return two_units(whole / 86'400, "d", whole % 86'400 / 3600, "h");
}

}  // namespace forewarm
