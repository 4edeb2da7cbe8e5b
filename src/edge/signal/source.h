#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/result.h"
#include "edge/signal/intake.h"
#include "edge/signal/json_points.h"
#include "edge/signal/span.h"
#include "edge/signal/time_zone.h"

namespace forewarm {

/// What a source gave when it was asked.
struct Reading {
  Points points;                  ///< values, of sources that have such
  std::vector<LevelChange> plan;  ///< what holds from plan.front().at until `plan_end`, of calendars
  TimePoint plan_end;
  std::optional<std::string> failure;  ///< why nothing could be read; what was known before stays
  std::vector<std::string> notes;      ///< what is wrong with a part of it
  bool unchanged = false;              ///< there is nothing new: no need to tell anybody
};

/// Where a signal's values come from, apart from being pushed. One thread asks it, at its times.
class SignalSource {
 public:
  virtual ~SignalSource() = default;

  /// May wait for files or for another machine, not longer than its timeout; ends early when `stop` is asked
  /// for.
  virtual Reading read(TimePoint now, const std::stop_token& stop) = 0;
  /// When to ask again, from the end of the last reading on.
  virtual Duration pause() const = 0;
};

/// How much of a plan is wanted: from `past` before the clock until `ahead` of it.
struct PlanWindow {
  Duration past = 24h;
  Duration ahead = 1h;
};

/// An iCalendar file. A changed file is taken with the next reading; one that cannot be read or understood
/// leaves the old plan in force.
struct CalendarSourceOptions {
  std::string path = {};
  TimeZone zone = {};
  std::string filter = {};
  Duration length = 1min;  ///< of events that say when they begin and nothing more
  Duration every = 10s;    ///< between two looks at the file
  PlanWindow window = {};
};
std::unique_ptr<SignalSource> make_calendar_source(CalendarSourceOptions options);

/// A cron expression; its firings last `length`.
struct CronSourceOptions {
  std::string expression = {};
  TimeZone zone = {};
  Duration length = 1min;
  PlanWindow window = {};
};
/// Invalid if the expression is.
Result<std::unique_ptr<SignalSource>> make_cron_source(CronSourceOptions options);

/// Lines that a file grows by: JSON Lines (each line what read_json_points() takes) or CSV with a header.
///
/// Follows the path through rotation: the old file is read to its end, then the new one from its beginning; a
/// file that has become shorter is read from its beginning too. At the first look the last `backlog_bytes` of
/// what is there are taken, but for lines without a time of their own: they are of nobody knows when.
struct FileSourceOptions {
  enum class Format : std::uint8_t { JsonLines, Csv };

  std::string path = {};
  Format format = Format::JsonLines;
  PointShape shape = {};             ///< of a JSON line
  std::string time_column = "time";  ///< of CSV; a file without this column has values of now
  std::string value_column = "value";
  Duration every = 1s;
  std::size_t backlog_bytes = 16U << 20;
};
std::unique_ptr<SignalSource> make_file_source(FileSourceOptions options);

/// A document that is fetched again and again: JSON with values in it, or a Prometheus server's answer to an
/// instant query.
struct PollSourceOptions {
  std::string url = {};
  std::string prometheus_query = {};  ///< not empty: `url` is a Prometheus server's
  PointShape shape = {};
  std::vector<std::pair<std::string, std::string>> headers = {};
  std::string bearer_token_file = {};  ///< read each time, so that a token may be replaced
  Duration every = 1min;
  Duration timeout = 10s;
};
std::unique_ptr<SignalSource> make_poll_source(PollSourceOptions options);

/// The points in a Prometheus server's answer to /api/v1/query: a scalar, or a vector or matrix of one
/// series. Invalid otherwise, with what the server said.
Result<Points> read_prometheus_answer(std::string_view body, TimePoint now);

}  // namespace forewarm
