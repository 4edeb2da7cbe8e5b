#include "edge/cloud/cloud_stamp.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cstdio>

namespace forewarm {
namespace {

/// The number that begins at `at` and is so many digits long; -1 where it is none.
int digits_at(std::string_view text, std::size_t at, std::size_t length) {
  int number = -1;
  if (text.size() < at + length) return -1;
  const char* begin = text.data() + at;
  const auto [end, failed] = std::from_chars(begin, begin + length, number);
  return failed == std::errc() && end == begin + length && *begin != '-' ? number : -1;
}

}  // namespace

std::string cloud_stamp(TimePoint at) {
  const std::chrono::sys_time<Duration> time(at.time_since_epoch());
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(std::chrono::floor<std::chrono::seconds>(time - day));
  std::array<char, 64> text{};
  const int length =
      std::snprintf(text.data(), text.size(), "%04d-%02u-%02uT%02d:%02d:%02dZ", static_cast<int>(date.year()),
                    static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                    static_cast<int>(clock.hours().count()), static_cast<int>(clock.minutes().count()),
                    static_cast<int>(clock.seconds().count()));
  return {text.data(), static_cast<std::size_t>(length)};
}

std::optional<TimePoint> parse_cloud_stamp(std::string_view text) {
  constexpr std::string_view kForm = "0000-00-00T00:00:00";
  if (text.size() <= kForm.size() || !text.ends_with('Z')) return std::nullopt;
  for (const std::size_t at : {4U, 7U, 10U, 13U, 16U})
    if (text[at] != kForm[at]) return std::nullopt;
  const std::string_view fraction = text.substr(kForm.size(), text.size() - kForm.size() - 1);
  const bool plain = fraction.empty() ||
                     (fraction.size() > 1 && fraction.front() == '.' &&
                      std::ranges::all_of(fraction.substr(1), [](char c) { return c >= '0' && c <= '9'; }));
  const int year = digits_at(text, 0, 4), month = digits_at(text, 5, 2), day = digits_at(text, 8, 2);
  const int hour = digits_at(text, 11, 2), minute = digits_at(text, 14, 2), second = digits_at(text, 17, 2);
  if (!plain || year < 1970 || month < 0 || day < 0 || hour < 0 || minute < 0 || second < 0)
    return std::nullopt;
  const std::chrono::year_month_day date(std::chrono::year(year),
                                         std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day)));
  if (!date.ok() || hour > 23 || minute > 59 || second > 60) return std::nullopt;
  const auto days = std::chrono::sys_days(date).time_since_epoch();
  return TimePoint(std::chrono::duration_cast<Duration>(days) + hour * 1h + minute * 1min + second * 1s);
}

}  // namespace forewarm
