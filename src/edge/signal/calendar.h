#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "edge/signal/span.h"
#include "edge/signal/time_zone.h"

namespace forewarm {

struct CalendarOptions {
  TimeZone zone = {};  ///< of all-day events and of times without a zone of their own
  /// Only events that have this in their summary or categories, case ignored; empty: all.
  std::string filter = {};
  Duration length = 1min;             ///< of events that say when they begin and nothing more
  std::size_t bytes_max = 16U << 20;  ///< of a file
  std::size_t events_max = 50'000;    ///< of a file
  std::size_t spans_max = 20'000;     ///< of an answer
};

/// An iCalendar file (RFC 5545), read by libical: its VEVENTs with recurrences, exceptions, changed
/// occurrences, all-day events and time zones (of the file, or of the system's database by name).
///
/// What cannot be understood is left out and said in notes(); the rest of the file counts. Rules that repeat
/// by minutes or seconds are left out: no calendar program writes them, and they take for ever to go through.
class Calendar {
 public:
  /// Invalid if the bytes are no calendar at all or too many.
  static Result<Calendar> parse(std::string_view bytes, CalendarOptions options);
  Calendar(Calendar&&) noexcept;
  Calendar& operator=(Calendar&&) noexcept;
  ~Calendar();

  /// What goes on in [from, to), at most `spans_max`. In no particular order. The work is bounded: what is
  /// left out because of it is noted.
  std::vector<Occurrence> spans(TimePoint from, TimePoint to);

  std::size_t events() const;  ///< that are taken, a recurring one counted once
  /// What was left out and why: one sentence each, the first few kinds.
  const std::vector<std::string>& notes() const;

 private:
  struct Contents;
  explicit Calendar(std::unique_ptr<Contents> contents);

  std::unique_ptr<Contents> contents_;
};

}  // namespace forewarm
