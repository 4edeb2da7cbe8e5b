#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "edge/trace/csv.h"

namespace forewarm {

/// The numbers that a row of history may hold, as they are called in the header.
enum class HistoryField : std::uint8_t {
  Count,  ///< arrivals in the interval
  Bytes,
  Runs,
  ServiceSeconds,
  DurationMs,   ///< service time of the one message that the row is about
  StepSeconds,  ///< width of the row's interval
  Value,        ///< of a signal, mean over the interval
  Least,
  Most,
  Last,
  OwnPriority,  ///< of the one message
  Priority0,    ///< arrivals of priority 0; then to 9
};
inline constexpr std::array<std::string_view, 21> kHistoryFields = {
    "count",      "bytes",      "runs",       "service_seconds", "duration_ms", "step_s",     "value",
    "least",      "most",       "last",       "priority",        "priority_0",  "priority_1", "priority_2",
    "priority_3", "priority_4", "priority_5", "priority_6",      "priority_7",  "priority_8", "priority_9"};

/// One row. `series` holds until the callback returns; numbers that are not recorded are NaN.
struct HistoryRow {
  std::string_view series;
  std::int64_t at_us = 0;
  std::array<double, kHistoryFields.size()> values{};
  CsvPlace place;

  double operator[](HistoryField field) const { return values[static_cast<std::size_t>(field)]; }
};

/// Reads recorded history: the "binned" and "per message" formats of traces (docs/formats/trace.md), the
/// "gauge" format timestamp_s,queue,value, and what `forewarm history export` writes. A pure function of
/// bytes, given piece by piece. Errors are Invalid and name file:line:column.
class HistoryCsv {
 public:
  enum class Format : std::uint8_t { Binned, PerMessage, Gauge };
  using OnRow = std::function<Result<void>(Format, const HistoryRow&)>;

  HistoryCsv(std::string name, OnRow on_row);
  HistoryCsv(const HistoryCsv&) = delete;
  HistoryCsv& operator=(const HistoryCsv&) = delete;

  Result<void> feed(std::string_view bytes) { return csv_.feed(bytes); }
  Result<void> finish();
  Format format() const { return format_; }
  bool has(HistoryField field) const { return columns_[static_cast<std::size_t>(field)] != kNone; }
  std::unexpected<Error> fail(CsvPlace place, const std::string& what) const {
    return csv_.fail(place, what);
  }

 private:
  static constexpr std::size_t kNone = ~std::size_t{0};

  Result<void> take_row(const CsvRow& row);
  Result<void> take_header(const CsvRow& row);
  Result<void> take_number(const CsvRow& row, std::size_t field, double& value) const;

  OnRow on_row_;
  CsvReader csv_;
  Format format_ = Format::Binned;
  bool header_seen_ = false;
  bool rows_seen_ = false;
  std::size_t time_column_ = kNone, series_column_ = kNone, last_column_ = 0;
  std::array<std::size_t, kHistoryFields.size()> columns_{};
};

}  // namespace forewarm
