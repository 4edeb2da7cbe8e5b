#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "edge/trace/csv.h"
#include "edge/trace/recorded_series.h"

namespace forewarm {

/// What an interval without a row means.
enum class AbsentRow : std::uint8_t { Zero, NotMeasured };

struct SeriesOptions {
  std::vector<std::string> queues = {};      ///< only these; empty: all
  Duration step = Duration(0);               ///< 0: as recorded; a minute where each row is a message
  std::string column = {};                   ///< of the values; empty: count, value, or one message a row
  std::vector<std::string> regressors = {};  ///< further columns; a value holds until the next row
  std::optional<AbsentRow> absent = {};      ///< unless said, zero for counts and not measured for gauges
  std::size_t steps_max = 20'000'000;        ///< of all series together
};

/// Turns the bytes of a trace file, given piece by piece, into one series a
/// queue: a pure function of bytes and options. Formats
/// (docs/formats/trace.md): counts per interval, one row a message, gauges
/// (timestamp_s,queue,value: the mean of a step is taken), and one series a row
/// (series,values).
class SeriesParser {
 public:
  SeriesParser(std::string name, SeriesOptions options);
  SeriesParser(const SeriesParser&) = delete;
  SeriesParser& operator=(const SeriesParser&) = delete;

  Result<void> feed(std::string_view bytes) { return csv_.feed(bytes); }
  /// The whole file has been fed. Steps that the record covers in part, at its
  /// ends, are left out.
  Result<std::vector<RecordedSeries>> finish();

 private:
  struct Row {
    std::int64_t at_us = 0;
    float value = 0;
    std::uint32_t order = 0;  ///< in the queue, and of its regressors' values
  };
  struct Queue {
    std::string name;
    std::vector<Row> rows;
    std::vector<float> regressors;  ///< row by row
  };
  struct Range {
    std::int64_t from_us = 0, to_us = 0;
  };

  Result<void> take_row(const CsvRow& row);
  Result<void> take_header(const CsvRow& row);
  Result<void> take_wide(const CsvRow& row);
  Result<float> number_in(const CsvRow& row, std::size_t column) const;
  Queue* queue_named(std::string_view name);
  Result<void> all_found() const;
  static std::int64_t least_distance(std::span<const std::int64_t> stamps);
  Result<RecordedSeries> grid(Queue& queue, std::int64_t bin_us, Range range, std::size_t& steps_left) const;

  std::string name_;
  SeriesOptions options_;
  CsvReader csv_;
  bool header_seen_ = false, wide_ = false, gauge_ = false, messages_ = false;
  std::size_t time_column_ = kNoColumn, queue_column_ = kNoColumn, value_column_ = kNoColumn;
  std::vector<std::size_t> regressor_columns_;
  std::map<std::string, std::size_t, std::less<>> names_;  ///< every name seen; kNoColumn where not wanted
  std::vector<Queue> queues_;
};

/// Reads a file, plain or gzip, or a folder's trace.csv[.gz], messages.csv[.gz]
/// or series.csv[.gz], the first that is there. Errors: Invalid with
/// file:line:column; NotFound for a file or a chosen queue; Corrupt for damaged
/// gzip data; Exhausted above `steps_max`.
Result<std::vector<RecordedSeries>> read_series(const std::string& path, const SeriesOptions& options);

}  // namespace forewarm
