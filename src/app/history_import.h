#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "edge/history/history_database.h"

namespace forewarm {

/// Intervals of one series from somewhere else, all of one step.
struct ImportedSeries {
  SeriesKind kind = SeriesKind::Queue;
  std::string name;
  Duration step = Duration(0);
  std::vector<Measured<QueueMeasures>> queue{};    ///< of a queue
  std::vector<Measured<SignalMeasures>> signal{};  ///< of a signal
  std::vector<Span> covered{};                     ///< measured; zero where there is no interval

  /// Puts the intervals into order and joins those that begin together; covers exactly what they cover.
  void settle();
};

struct ImportOptions {
  std::optional<TimePoint> start{};  ///< of stamps that count from the start of a recording
  Duration shift{0};                 ///< added to every stamp
  Duration step{0};                  ///< width of the intervals; zero: the file's own, or 10 s for messages
  std::vector<std::string> names{};  ///< only these series; empty: all
  std::string as{};                  ///< what the one series is to be called here; empty: as there
  bool absent_is_zero = true;        ///< of binned counts: a bin without a row saw nothing
};

/// Reads a CSV file, plain or gzip (docs/history.md). Invalid with file:line:column and the remedy.
Result<std::vector<ImportedSeries>> read_history_csv(const std::string& path, const ImportOptions& options,
                                                     const std::function<void(double)>& progress);
/// The same of text that is in memory; `name` goes into messages.
Result<std::vector<ImportedSeries>> read_history_text(const std::string& name, std::string_view text,
                                                      const ImportOptions& options);

struct ImportReport {
  std::uint64_t series = 0;
  Filled intervals;
  Duration step{0};  ///< the finest that came
  TimePoint first = kNever;
  TimePoint until;
};
/// Writes them, each series in one transaction, and joins what is old. What was measured stays unless
/// `replace`. With `together` all of them are one transaction: an error leaves nothing of them.
Result<ImportReport> import_series(HistoryDatabase& database, const std::vector<ImportedSeries>& all,
                                   TimePoint now, bool replace, const std::function<void(double)>& progress,
                                   bool together = false);

}  // namespace forewarm
