#include "edge/signal/cron.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <optional>
#include <span>
#include <string>

namespace forewarm {
namespace {

constexpr Duration kDay = 24h;
/// 29 February is this far away at most (from 2096 to 2104), and a few days.
constexpr int kDaysMax = 8 * 366 + 32;

struct CronField {
  std::string_view name;
  int least;
  int most;
  std::span<const std::string_view> words = {};  ///< for least, least + 1, ...
};

constexpr std::array<std::string_view, 12> kMonths{"jan", "feb", "mar", "apr", "may", "jun",
                                                   "jul", "aug", "sep", "oct", "nov", "dec"};
constexpr std::array<std::string_view, 7> kWeekdays{"sun", "mon", "tue", "wed", "thu", "fri", "sat"};
const std::array<CronField, 5> kFields{{{"minute", 0, 59},
                                        {"hour", 0, 23},
                                        {"day of month", 1, 31},
                                        {"month", 1, 12, kMonths},
                                        {"day of week", 0, 7, kWeekdays}}};

struct Nickname {
  std::string_view name;
  std::string_view text;
};
constexpr std::array<Nickname, 7> kNicknames{{{"@yearly", "0 0 1 1 *"},
                                              {"@annually", "0 0 1 1 *"},
                                              {"@monthly", "0 0 1 * *"},
                                              {"@weekly", "0 0 * * 0"},
                                              {"@daily", "0 0 * * *"},
                                              {"@midnight", "0 0 * * *"},
                                              {"@hourly", "0 * * * *"}}};

std::optional<int> whole_number(std::string_view text) {
  int value = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || code != std::errc() || end != text.data() + text.size() || value < 0)
    return std::nullopt;
  return value;
}

std::optional<int> value_of(std::string_view text, const CronField& field) {
  if (const auto number = whole_number(text)) return number;
  std::string lower(text);
  for (char& c : lower) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
  const auto found = std::ranges::find(field.words, lower);
  if (found == field.words.end()) return std::nullopt;
  return field.least + static_cast<int>(found - field.words.begin());
}

std::unexpected<Error> wrong(const CronField& field, std::string_view came) {
  std::string allowed = "*, a number from " + std::to_string(field.least) + " to " +
                        std::to_string(field.most) + ", a range such as " + std::to_string(field.least) +
                        "-" + std::to_string(field.least + 2) + ", each with a step such as */2, or a list";
  if (!field.words.empty())
    allowed += "; the names " + std::string(field.words.front()) + " to " + std::string(field.words.back()) +
               " are taken too";
  return error(ErrorCode::Invalid, "the " + std::string(field.name) + " of the cron expression: expected " +
                                       allowed + "; found '" + std::string(came.substr(0, 40)) + "'");
}

/// One element of a list: * or a value or a range, with or without a step.
template <std::size_t N>
bool take_element(std::string_view text, const CronField& field, std::bitset<N>& out) {
  int step = 1;
  const std::size_t slash = text.find('/');
  if (slash != std::string_view::npos) {
    const auto read = whole_number(text.substr(slash + 1));
    if (!read || *read < 1 || *read > field.most) return false;
    step = *read;
    text = text.substr(0, slash);
  }
  int first = field.least, last = field.most;
  if (text != "*" && text != "?") {
    const std::size_t dash = text.find('-');
    const auto low = value_of(text.substr(0, dash), field);
    if (!low) return false;
    first = *low;
    if (dash != std::string_view::npos) {
      const auto high = value_of(text.substr(dash + 1), field);
      if (!high) return false;
      last = *high;
    } else if (slash == std::string_view::npos) {
      last = first;
    }
  }
  if (first < field.least || last > field.most || first > last) return false;
  // Both 0 and 7 are Sunday.
  for (int value = first; value <= last; value += step) out.set(static_cast<std::size_t>(value) % N);
  return true;
}

template <std::size_t N>
Result<void> take_field(std::string_view text, const CronField& field, std::bitset<N>& out) {
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t comma = std::min(text.find(',', begin), text.size());
    if (!take_element(text.substr(begin, comma - begin), field, out)) return wrong(field, text);
    begin = comma + 1;
  }
  return {};
}

std::vector<std::string_view> words_of(std::string_view text) {
  std::vector<std::string_view> words;
  while (true) {
    const std::size_t begin = text.find_first_not_of(" \t");
    if (begin == std::string_view::npos) return words;
    text.remove_prefix(begin);
    const std::size_t end = std::min(text.find_first_of(" \t"), text.size());
    words.push_back(text.substr(0, end));
    text.remove_prefix(end);
  }
}

}  // namespace

Result<Cron> Cron::parse(std::string_view text, TimeZone zone) {
  const auto nickname = std::ranges::find(kNicknames, text, &Nickname::name);
  const std::vector<std::string_view> words = words_of(nickname != kNicknames.end() ? nickname->text : text);
  if (words.size() != kFields.size()) {
    return error(ErrorCode::Invalid,
                 "expected a cron expression of five fields (minute, hour, day of month, month, day of week; "
                 "\"30 9 * * 1-5\" is half past nine on working days) or @hourly, @daily, @weekly, @monthly, "
                 "@yearly; found '" +
                     std::string(text.substr(0, 80)) + "'");
  }
  Cron cron;
  cron.zone_ = zone;
  Result<void> read = take_field(words[0], kFields[0], cron.minutes_);
  if (read) read = take_field(words[1], kFields[1], cron.hours_);
  if (read) read = take_field(words[2], kFields[2], cron.days_);
  if (read) read = take_field(words[3], kFields[3], cron.months_);
  if (read) read = take_field(words[4], kFields[4], cron.weekdays_);
  if (!read) return std::unexpected(read.error());
  cron.every_hour_ = cron.hours_.all();
  cron.any_day_ = words[2].starts_with('*') || words[2].starts_with('?');
  cron.any_weekday_ = words[4].starts_with('*') || words[4].starts_with('?');
  if (cron.next(TimePoint()) == kNever) {
    return error(ErrorCode::Invalid,
                 "the cron expression '" + std::string(text.substr(0, 80)) +
                     "' fits no day of any year; check its day of month against its month");
  }
  return cron;
}

bool Cron::fits(LocalTime midnight) const {
  const std::chrono::sys_days day(std::chrono::floor<std::chrono::days>(midnight));
  const std::chrono::year_month_day date(day);
  if (!months_.test(static_cast<unsigned>(date.month()))) return false;
  const bool by_day = days_.test(static_cast<unsigned>(date.day()));
  const bool by_weekday = weekdays_.test(std::chrono::weekday(day).c_encoding());
  return any_day_ || any_weekday_ ? by_day && by_weekday : by_day || by_weekday;
}

/// When a local time of the day at `midnight` fires; clocks that keep their offset all around it are not
/// asked for each minute.
std::vector<TimePoint> Cron::firings(LocalTime local, std::optional<Duration> steady) const {
  if (steady) return {TimePoint(local - *steady)};
  std::vector<TimePoint> moments = zone_.moments(local);
  if (!every_hour_) moments = {moments.empty() ? zone_.reached(local) : moments.front()};
  return moments;
}

/// The first firing after `after` among those that belong to one local day.
TimePoint Cron::next_in_day(LocalTime midnight, TimePoint after) const {
  // More than any zone's change of its clocks: a later time of the day may come earlier by less than this.
  constexpr Duration kSlack = 3h;
  const Duration offset = zone_.offset_at(TimePoint(midnight - kDay));
  const bool changes = zone_.offset_at(TimePoint(midnight + 2 * kDay)) != offset;
  const LocalTime local_after = zone_.local(after);
  TimePoint best = kNever;
  for (std::size_t hour = 0; hour < hours_.size(); ++hour) {
    const LocalTime begin = midnight + std::chrono::hours(hour);
    if (!hours_.test(hour) || begin + 1h + kSlack < local_after) continue;
    if (best != kNever && begin > zone_.local(best) + kSlack) break;
    for (std::size_t minute = 0; minute < minutes_.size(); ++minute) {
      if (!minutes_.test(minute)) continue;
      const LocalTime local = begin + std::chrono::minutes(minute);
      for (const TimePoint at : firings(local, changes ? std::nullopt : std::optional(offset))) {
        if (at > after) best = std::min(best, at);
      }
    }
  }
  return best;
}

TimePoint Cron::next(TimePoint after) const {
  const LocalTime local = zone_.local(after);
  const LocalTime today = std::chrono::floor<std::chrono::days>(local);
  for (int day = 0; day < kDaysMax; ++day) {
    const LocalTime midnight = today + kDay * day;
    if (!fits(midnight)) continue;
    const TimePoint found = next_in_day(midnight, after);
    if (found != kNever) return found;
  }
  return kNever;
}

std::vector<Occurrence> Cron::spans(TimePoint from, TimePoint to, Duration length,
                                    std::size_t spans_max) const {
  std::vector<Occurrence> out;
  for (TimePoint at = next(from - Duration(1)); at < to && out.size() < spans_max; at = next(at))
    out.push_back({at, at + length});
  return out;
}

}  // namespace forewarm
