#include "edge/observe/clock_text.h"

#include <charconv>
#include <cmath>
#include <cstdio>
#include <ctime>
#include <optional>

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

/// Takes `width` digits off the front.
std::optional<int> take_digits(std::string_view& text, std::size_t width) {
  if (text.size() < width) return std::nullopt;
  int value = 0;
  for (const char c : text.substr(0, width)) {
    if (c < '0' || c > '9') return std::nullopt;
    value = value * 10 + (c - '0');
  }
  text.remove_prefix(width);
  return value;
}

bool take(std::string_view& text, std::string_view any_of) {
  if (text.empty() || any_of.find(text.front()) == std::string_view::npos) return false;
  text.remove_prefix(1);
  return true;
}

std::optional<std::int64_t> take_fraction_us(std::string_view& text) {
  if (!take(text, ".")) return 0;
  std::int64_t us = 0, unit = 100'000;
  const std::size_t before = text.size();
  while (!text.empty() && text.front() >= '0' && text.front() <= '9') {
    us += unit * (text.front() - '0');
    unit /= 10;
    text.remove_prefix(1);
  }
  if (text.size() == before) return std::nullopt;
  return us;
}

std::optional<std::int64_t> take_offset_minutes(std::string_view& text) {
  if (take(text, "Zz")) return 0;
  const bool west = !text.empty() && text.front() == '-';
  if (!take(text, "+- ")) return std::nullopt;  // a '+' that a query turned into a space
  const auto hours = take_digits(text, 2);
  if (!hours || !take(text, ":")) return std::nullopt;
  const auto minutes = take_digits(text, 2);
  if (!minutes || *hours > 23 || *minutes > 59) return std::nullopt;
  return (west ? -1 : 1) * (*hours * 60 + *minutes);
}

std::optional<TimePoint> parse_rfc3339(std::string_view text) {
  const auto year = take_digits(text, 4);
  if (!year || !take(text, "-")) return std::nullopt;
  const auto month = take_digits(text, 2);
  if (!month || !take(text, "-")) return std::nullopt;
  const auto day = take_digits(text, 2);
  if (!day || !take(text, "Tt ")) return std::nullopt;
  const auto hour = take_digits(text, 2);
  if (!hour || !take(text, ":")) return std::nullopt;
  const auto minute = take_digits(text, 2);
  if (!minute || !take(text, ":")) return std::nullopt;
  const auto second = take_digits(text, 2);
  if (!second || *hour > 23 || *minute > 59 || *second > 60) return std::nullopt;
  const auto fraction = take_fraction_us(text);
  if (!fraction) return std::nullopt;
  const auto offset = take_offset_minutes(text);
  const std::chrono::year_month_day date{std::chrono::year(*year),
                                         std::chrono::month(static_cast<unsigned>(*month)),
                                         std::chrono::day(static_cast<unsigned>(*day))};
  if (!offset || !text.empty() || !date.ok()) return std::nullopt;
  const std::int64_t days = std::chrono::sys_days(date).time_since_epoch().count();
  const std::int64_t s = days * 86'400 + *hour * 3600 + *minute * 60 + *second - *offset * 60;
  return time_point_us(s * 1'000'000 + *fraction);
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

Result<TimePoint> parse_time(std::string_view text) {
  double value = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  constexpr double kSecondsMax = 253'402'300'800.0;  // the year 10000
  if (code == std::errc() && end == text.data() + text.size() && value >= 0 && value < kSecondsMax) {
    return TimePoint(from_seconds(value));
  }
  if (const auto time = parse_rfc3339(text)) return *time;
  return error(ErrorCode::Invalid, "expected a time like 2026-03-01T14:02:10Z or seconds since 1970, got \"" +
                                       std::string(text.substr(0, 64)) + "\"");
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
  const auto whole = static_cast<std::int64_t>(s + 0.5);
  if (whole < 3600) return two_units(whole / 60, "min", whole % 60, "s");
  if (whole < 86'400) return two_units(whole / 3600, "h", whole % 3600 / 60, "min");
  return two_units(whole / 86'400, "d", whole % 86'400 / 3600, "h");
}

}  // namespace forewarm
