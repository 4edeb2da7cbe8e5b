#include "edge/signal/calendar.h"

#include <libical/ical.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <optional>
#include <set>

namespace forewarm {
namespace {

constexpr std::size_t kNotesMax = 8;
/// Occurrences that one answer may go through, over all events: about a second of work at the very most.
constexpr std::size_t kStepsMax = 1'000'000;
/// Longer events are mistakes.
constexpr Duration kLongestEvent = 24h * 366 * 10;
constexpr Duration kDayLength = 24h;

struct ComponentDeleter {
  void operator()(icalcomponent* component) const { icalcomponent_free(component); }
};
using ComponentPointer = std::unique_ptr<icalcomponent, ComponentDeleter>;

struct IteratorDeleter {
  void operator()(icalrecur_iterator* iterator) const { icalrecur_iterator_free(iterator); }
};

LocalTime local_time(const icaltimetype& time) {
  const std::chrono::sys_days day(std::chrono::year_month_day(
      std::chrono::year(time.year), std::chrono::month(static_cast<unsigned>(time.month)),
      std::chrono::day(static_cast<unsigned>(time.day))));
  const LocalTime midnight = day.time_since_epoch();
  if (time.is_date != 0) return midnight;
  return midnight + std::chrono::hours(time.hour) + std::chrono::minutes(time.minute) +
         std::chrono::seconds(time.second);
}

icaltimetype utc_date(TimePoint at) {
  const std::chrono::sys_days day(std::chrono::floor<std::chrono::days>(at.time_since_epoch()));
  const std::chrono::year_month_day date(day);
  icaltimetype out = icaltime_null_time();
  out.year = static_cast<int>(date.year());
  out.month = static_cast<int>(static_cast<unsigned>(date.month()));
  out.day = static_cast<int>(static_cast<unsigned>(date.day()));
  out.zone = icaltimezone_get_utc_timezone();
  return out;
}

/// Inside the years that any calendar means, and a real date: libical lets others pass.
bool is_sound(const icaltimetype& time) {
  if (icaltime_is_null_time(time) != 0 || time.year < 1900 || time.year > 2500) return false;
  const std::chrono::year_month_day date(std::chrono::year(time.year),
                                         std::chrono::month(static_cast<unsigned>(time.month)),
                                         std::chrono::day(static_cast<unsigned>(time.day)));
  return date.ok() && (time.is_date != 0 || (time.hour >= 0 && time.hour < 24 && time.minute >= 0 &&
                                             time.minute < 60 && time.second >= 0 && time.second <= 60));
}

TimePoint moment(const icaltimetype& time, const TimeZone& zone) {
  if (time.zone != nullptr && time.is_date == 0)
    return time_point_us(icaltime_as_timet_with_zone(time, time.zone) * 1'000'000);
  return zone.reached(local_time(time));
}

char lower(char c) {
  return static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
}

bool contains_ignoring_case(std::string_view text, std::string_view part) {
  return !std::ranges::search(text, part, {}, lower, lower).empty();
}

/// One VEVENT as it recurs.
struct CalendarEvent {
  icaltimetype start = icaltime_null_time();
  int days = 0;      ///< of its length, as a calendar counts them
  Duration rest{0};  ///< of its length beside the days
  std::vector<icalrecurrencetype> rules;
  std::vector<icaltimetype> further;  ///< RDATE
  std::set<TimePoint> without;        ///< EXDATE and occurrences that another VEVENT replaces
  std::set<LocalTime> days_without;   ///< EXDATE with VALUE=DATE
};

/// Puts a rule that does not count its occurrences forward to about `earliest`, so that it is not gone
/// through from its beginning. False if it ended before.
bool skip_to(icalrecur_iterator& iterator, const CalendarEvent& event, const icalrecurrencetype& rule,
             TimePoint earliest) {
  const LocalTime begin = std::chrono::floor<std::chrono::days>(local_time(event.start));
  std::int64_t days = (earliest.time_since_epoch() - begin) / kDayLength;
  // For hourly rules the library takes the place that it is put to as in step with the interval.
  if (rule.freq == ICAL_HOURLY_RECURRENCE && rule.interval > 1) days -= days % rule.interval;
  if (days <= 0) return true;
  const icaltimetype day = utc_date(TimePoint(begin + kDayLength * days));
  icaltimetype near = event.start;
  near.year = day.year;
  near.month = day.month;
  near.day = day.day;
  return icalrecur_iterator_set_start(&iterator, near) != 0;
}

}  // namespace

struct Calendar::Contents {
  Contents(CalendarOptions given, ComponentPointer parsed)
      : options(std::move(given)), root(std::move(parsed)) {}

  void note(std::string sentence) {
    if (notes.size() < kNotesMax && std::ranges::find(notes, sentence) == notes.end())
      notes.push_back(std::move(sentence));
  }
  void read(icalcomponent* component);
  void read_event(icalcomponent* component);
  std::optional<icaltimetype> time_of(icalproperty* property, icalcomponent* component);
  void read_rules(icalcomponent* component, CalendarEvent& event);
  void read_further(icalcomponent* component, CalendarEvent& event);
  void read_exceptions(icalcomponent* component, CalendarEvent& event);
  bool read_length(icalcomponent* component, CalendarEvent& event);
  bool is_wanted(icalcomponent* component) const;
  void replace_occurrences();

  Duration longest(const CalendarEvent& event) const { return kDayLength * (event.days + 2) + event.rest; }
  void take(const CalendarEvent& event, const icaltimetype& start, TimePoint from, TimePoint to,
            std::vector<Occurrence>& out) const;
  void go_through(const CalendarEvent& event, icalrecurrencetype rule, TimePoint from, TimePoint to,
                  std::vector<Occurrence>& out);

  CalendarOptions options;
  ComponentPointer root;  ///< owns the time zones that the events' times point to
  std::vector<CalendarEvent> events;
  std::multimap<std::string, std::size_t> by_uid;  ///< recurring ones
  std::multimap<std::string, TimePoint> replaced;  ///< uid, occurrence that another VEVENT replaces
  std::vector<std::string> notes;
  std::size_t steps = 0;
};

std::optional<icaltimetype> Calendar::Contents::time_of(icalproperty* property, icalcomponent* component) {
  const icaltimetype time = icalproperty_get_datetime_with_component(property, component);
  if (!is_sound(time)) {
    note("A date or time that is none, or not between 1900 and 2500, is left out.");
    return std::nullopt;
  }
  if (time.zone == nullptr && time.is_date == 0) {
    if (icalparameter* zone = icalproperty_get_first_parameter(property, ICAL_TZID_PARAMETER)) {
      note("The time zone '" + std::string(icalparameter_get_tzid(zone)).substr(0, 64) +
           "' is neither in the file nor in the system's database: its times are taken in the signal's "
           "time_zone.");
    }
  }
  return time;
}

bool Calendar::Contents::is_wanted(icalcomponent* component) const {
  if (options.filter.empty()) return true;
  if (const char* summary = icalcomponent_get_summary(component);
      summary != nullptr && contains_ignoring_case(summary, options.filter))
    return true;
  for (icalproperty* property = icalcomponent_get_first_property(component, ICAL_CATEGORIES_PROPERTY);
       property != nullptr; property = icalcomponent_get_next_property(component, ICAL_CATEGORIES_PROPERTY)) {
    const char* categories = icalproperty_get_categories(property);
    if (categories != nullptr && contains_ignoring_case(categories, options.filter)) return true;
  }
  return false;
}

bool Calendar::Contents::read_length(icalcomponent* component, CalendarEvent& event) {
  const TimePoint begin = moment(event.start, options.zone);
  if (icalproperty* end = icalcomponent_get_first_property(component, ICAL_DTEND_PROPERTY)) {
    const std::optional<icaltimetype> time = time_of(end, component);
    if (!time) return false;
    if (event.start.is_date != 0 && time->is_date != 0) {
      event.days = static_cast<int>((local_time(*time) - local_time(event.start)) / kDayLength);
    } else {
      event.rest = moment(*time, options.zone) - begin;
    }
  } else if (icalproperty* length = icalcomponent_get_first_property(component, ICAL_DURATION_PROPERTY)) {
    const icaldurationtype d = icalproperty_get_duration(length);
    const double all_seconds = 604'800.0 * d.weeks + 86'400.0 * d.days + 3600.0 * d.hours + 60.0 * d.minutes +
                               static_cast<double>(d.seconds);
    if (d.is_neg != 0 || all_seconds > seconds(kLongestEvent)) {
      note("An event with a negative duration, or one of more than ten years, is left out.");
      return false;
    }
    event.days = static_cast<int>(d.weeks * 7 + d.days);
    event.rest =
        std::chrono::hours(d.hours) + std::chrono::minutes(d.minutes) + std::chrono::seconds(d.seconds);
  } else if (event.start.is_date != 0) {
    event.days = 1;
  }
  if (event.days < 0 || event.rest < Duration(0) || kDayLength * event.days + event.rest > kLongestEvent) {
    note("An event that ends before it begins, or more than ten years later, is left out.");
    return false;
  }
  if (event.days == 0 && event.rest == Duration(0)) event.rest = options.length;
  return true;
}

void Calendar::Contents::read_rules(icalcomponent* component, CalendarEvent& event) {
  for (icalproperty* property = icalcomponent_get_first_property(component, ICAL_RRULE_PROPERTY);
       property != nullptr; property = icalcomponent_get_next_property(component, ICAL_RRULE_PROPERTY)) {
    const icalrecurrencetype rule = icalproperty_get_rrule(property);
    if (rule.freq == ICAL_NO_RECURRENCE) {
      note("A recurrence rule that is none is left out.");
    } else if (rule.freq == ICAL_SECONDLY_RECURRENCE || rule.freq == ICAL_MINUTELY_RECURRENCE) {
      note("A recurrence rule by minutes or seconds is left out; write hourly ones with BYMINUTE.");
    } else if (rule.rscale != nullptr) {
      note("A recurrence rule of another calendar system (RSCALE) is left out.");
    } else {
      event.rules.push_back(rule);
    }
  }
}

void Calendar::Contents::read_further(icalcomponent* component, CalendarEvent& event) {
  for (icalproperty* property = icalcomponent_get_first_property(component, ICAL_RDATE_PROPERTY);
       property != nullptr; property = icalcomponent_get_next_property(component, ICAL_RDATE_PROPERTY)) {
    const icalvalue* value = icalproperty_get_value(property);
    if (value == nullptr || icalvalue_isa(value) == ICAL_PERIOD_VALUE) {
      note("An RDATE that is a period is left out.");
    } else if (const std::optional<icaltimetype> time = time_of(property, component)) {
      event.further.push_back(*time);
    }
  }
}

void Calendar::Contents::read_exceptions(icalcomponent* component, CalendarEvent& event) {
  for (icalproperty* property = icalcomponent_get_first_property(component, ICAL_EXDATE_PROPERTY);
       property != nullptr; property = icalcomponent_get_next_property(component, ICAL_EXDATE_PROPERTY)) {
    const std::optional<icaltimetype> time = time_of(property, component);
    if (!time) continue;
    if (time->is_date != 0)
      event.days_without.insert(local_time(*time));
    else
      event.without.insert(moment(*time, options.zone));
  }
}

void Calendar::Contents::read_event(icalcomponent* component) {
  const char* uid_text = icalcomponent_get_uid(component);
  const std::string uid = uid_text != nullptr ? uid_text : "";
  const bool cancelled = icalcomponent_get_status(component) == ICAL_STATUS_CANCELLED;
  icalproperty* replaces = icalcomponent_get_first_property(component, ICAL_RECURRENCEID_PROPERTY);
  if (replaces != nullptr) {
    if (const std::optional<icaltimetype> time = time_of(replaces, component))
      replaced.emplace(uid, moment(*time, options.zone));
  }
  if (cancelled || !is_wanted(component)) return;
  if (events.size() >= options.events_max) {
    return note("There are more events than the " + std::to_string(options.events_max) +
                " that are taken of a file; the others are left out.");
  }
  CalendarEvent event;
  icalproperty* start = icalcomponent_get_first_property(component, ICAL_DTSTART_PROPERTY);
  const std::optional<icaltimetype> time = start != nullptr ? time_of(start, component) : std::nullopt;
  if (!time) return note("An event without a usable DTSTART is left out.");
  event.start = *time;
  if (!read_length(component, event)) return;
  if (replaces == nullptr) {
    read_rules(component, event);
    read_further(component, event);
    read_exceptions(component, event);
    by_uid.emplace(uid, events.size());
  }
  events.push_back(std::move(event));
}

void Calendar::Contents::replace_occurrences() {
  for (const auto& [uid, at] : replaced) {
    const auto [first, last] = by_uid.equal_range(uid);
    for (auto each = first; each != last; ++each) events[each->second].without.insert(at);
  }
}

/// A file may hold several calendars; libical puts them into one component of its own then.
void Calendar::Contents::read(icalcomponent* component) {
  std::vector<icalcomponent*> found;
  if (icalcomponent_isa(component) == ICAL_VCALENDAR_COMPONENT) found.push_back(component);
  for (icalcomponent* each = icalcomponent_get_first_component(component, ICAL_VCALENDAR_COMPONENT);
       each != nullptr; each = icalcomponent_get_next_component(component, ICAL_VCALENDAR_COMPONENT))
    found.push_back(each);
  for (icalcomponent* calendar : found) {
    for (icalcomponent* each = icalcomponent_get_first_component(calendar, ICAL_VEVENT_COMPONENT);
         each != nullptr; each = icalcomponent_get_next_component(calendar, ICAL_VEVENT_COMPONENT))
      read_event(each);
  }
  replace_occurrences();
}

/// One occurrence that begins at `start`.
void Calendar::Contents::take(const CalendarEvent& event, const icaltimetype& start, TimePoint from,
                              TimePoint to, std::vector<Occurrence>& out) const {
  const TimePoint begin = moment(start, options.zone);
  if (begin >= to || event.without.contains(begin)) return;
  const LocalTime local = local_time(start);
  if (event.days_without.contains(std::chrono::floor<std::chrono::days>(local))) return;
  TimePoint end = begin;
  if (event.days > 0) {
    icaltimetype last = start;
    icaltime_adjust(&last, event.days, 0, 0, 0);
    end = moment(last, options.zone);
  }
  end += event.rest;
  if (end > from && end > begin) out.push_back({begin, end});
}

void Calendar::Contents::go_through(const CalendarEvent& event, icalrecurrencetype rule, TimePoint from,
                                    TimePoint to, std::vector<Occurrence>& out) {
  // libical looks for the next occurrence until the rule's end, if it takes a minute: so each has an end.
  const icaltimetype last = utc_date(to + 2 * kDayLength);
  if (icaltime_is_null_time(rule.until) != 0 || icaltime_compare(last, rule.until) < 0) rule.until = last;
  const std::unique_ptr<icalrecur_iterator, IteratorDeleter> iterator(
      icalrecur_iterator_new(rule, event.start));
  if (!iterator) return;  // it contradicts itself, or begins after `to`
  if (rule.count == 0 && !skip_to(*iterator, event, rule, from - longest(event))) return;
  for (;;) {
    const icaltimetype start = icalrecur_iterator_next(iterator.get());
    if (icaltime_is_null_time(start) != 0 || !is_sound(start)) return;
    if (++steps > kStepsMax || out.size() >= options.spans_max)
      return note("There are too many occurrences; some are left out.");
    take(event, start, from, to, out);
  }
}

Calendar::Calendar(std::unique_ptr<Contents> contents) : contents_(std::move(contents)) {}
Calendar::Calendar(Calendar&&) noexcept = default;
Calendar& Calendar::operator=(Calendar&&) noexcept = default;
Calendar::~Calendar() {
  const std::lock_guard lock(libical_mutex());
  contents_.reset();
}

Result<Calendar> Calendar::parse(std::string_view bytes, CalendarOptions options) {
  if (bytes.size() > options.bytes_max) {
    return error(ErrorCode::Invalid, "the calendar has " + std::to_string(bytes.size()) +
                                         " bytes, more than the " + std::to_string(options.bytes_max) +
                                         " that are taken; split it into several signals");
  }
  const auto not_a_calendar = [] {
    return error(ErrorCode::Invalid,
                 "expected an iCalendar file (it begins with BEGIN:VCALENDAR), found something else");
  };
  if (bytes.find('\0') != std::string_view::npos) return not_a_calendar();
  if (bytes.starts_with("\xef\xbb\xbf")) bytes.remove_prefix(3);
  const std::lock_guard lock(libical_mutex());
  icalerror_set_errors_are_fatal(0);
  ComponentPointer root(icalparser_parse_string(std::string(bytes).c_str()));
  if (!root) return not_a_calendar();
  const icalcomponent_kind kind = icalcomponent_isa(root.get());
  const bool several = kind == ICAL_XROOT_COMPONENT &&
                       icalcomponent_get_first_component(root.get(), ICAL_VCALENDAR_COMPONENT) != nullptr;
  if (kind != ICAL_VCALENDAR_COMPONENT && !several) return not_a_calendar();
  auto contents = std::make_unique<Contents>(std::move(options), std::move(root));
  if (const int errors = icalcomponent_count_errors(contents->root.get()); errors > 0) {
    contents->note(std::to_string(errors) + (errors == 1 ? " line is" : " lines are") +
                   " not understood and left out.");
  }
  contents->read(contents->root.get());
  return Calendar(std::move(contents));
}

std::vector<Occurrence> Calendar::spans(TimePoint from, TimePoint to) {
  const std::lock_guard lock(libical_mutex());
  std::vector<Occurrence> out;
  contents_->steps = 0;
  for (const CalendarEvent& event : contents_->events) {
    // DTSTART counts as an occurrence even where the rule does not meet it (RFC 5545, section 3.8.5.3 leaves
    // that open); where it does it must not count twice.
    std::vector<Occurrence> occurrences;
    contents_->take(event, event.start, from, to, occurrences);
    for (const icalrecurrencetype& rule : event.rules)
      contents_->go_through(event, rule, from, to, occurrences);
    for (const icaltimetype& start : event.further) contents_->take(event, start, from, to, occurrences);
    std::ranges::sort(occurrences, {}, &Occurrence::begin);
    const auto repeated = std::ranges::unique(occurrences);
    occurrences.erase(repeated.begin(), repeated.end());
    if (out.size() + occurrences.size() > contents_->options.spans_max) {
      contents_->note("There are too many occurrences; some are left out.");
      break;
    }
    out.insert(out.end(), occurrences.begin(), occurrences.end());
  }
  return out;
}

std::size_t Calendar::events() const {
  return contents_->events.size();
}
const std::vector<std::string>& Calendar::notes() const {
  return contents_->notes;
}

}  // namespace forewarm
