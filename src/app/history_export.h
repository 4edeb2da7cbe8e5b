#pragma once

#include <functional>
#include <map>
#include <ostream>
#include <string>
#include <vector>

#include "edge/history/history_database.h"

namespace forewarm {

struct ExportOptions {
  SeriesKind kind = SeriesKind::Queue;
  std::vector<std::string> names;  ///< only these; empty: all
  TimePoint from;
  TimePoint to = kNever;
  bool json_lines = false;  ///< else CSV, as `forewarm history import` reads it
};

/// Writes every measured interval, zeros included, series by series. Returns how many. NotFound for a name
/// that has no history; Io when `out` takes no more.
Result<std::uint64_t> export_history(HistoryDatabase& database, const ExportOptions& options,
                                     std::ostream& out, const std::function<void(double)>& progress);

/// The first line of its CSV.
std::string csv_header(SeriesKind kind);
/// The same CSV as text, what begins in [from, to) of these series, the intervals of each step apart.
Result<std::map<Duration, std::string>> export_by_step(HistoryDatabase& database, SeriesKind kind,
                                                       const std::vector<std::string>& names, TimePoint from,
                                                       TimePoint to);

}  // namespace forewarm
