#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "edge/trace/csv.h"
#include "edge/trace/trace.h"

namespace forewarm {

/// Turns the bytes of a trace file into a Trace: a pure function of bytes, options and seed, given piece by
/// piece. The header tells the format: a `count` column means binned, anything else per message.
class TraceParser {
 public:
  TraceParser(std::string name, const TraceOptions& options);
  TraceParser(const TraceParser&) = delete;
  TraceParser& operator=(const TraceParser&) = delete;

  Result<void> feed(std::string_view bytes) { return csv_.feed(bytes); }
  /// The whole file has been fed.
  Result<Trace> finish();

  static constexpr std::size_t kQueuesMax = 1'000'000;

 private:
  static constexpr std::uint32_t kNotWanted = ~std::uint32_t{0};
  struct Bin {
    std::int64_t at_us = 0;
    std::uint32_t queue = 0;
    std::uint32_t count = 0;
  };

  Result<void> take_row(const CsvRow& row);
  Result<void> take_header(const CsvRow& row);
  Result<void> take_bin(const CsvRow& row, std::int64_t at_us, std::uint32_t queue);
  Result<void> take_message(const CsvRow& row, std::int64_t at_us, std::uint32_t queue);
  Result<std::int64_t> time_stamp(const CsvRow& row) const;
  Result<std::uint32_t> queue_index(const CsvRow& row);
  Result<void> count_arrivals(const CsvRow& row, std::uint64_t more);
  Result<void> all_queues_found() const;
  std::int64_t bin_width_us() const;
  void spread(Duration bin);

  std::string name_;
  TraceOptions options_;
  CsvReader csv_;
  bool header_seen_ = false;
  bool binned_ = false;
  std::size_t time_column_ = kNoColumn, queue_column_ = kNoColumn, count_column_ = kNoColumn;
  std::size_t bytes_column_ = kNoColumn, duration_column_ = kNoColumn;
  std::map<std::string, std::uint32_t, std::less<>>
      queues_;  ///< every name seen; kNotWanted where filtered out
  std::string last_name_;
  std::uint32_t last_queue_ = kNotWanted;
  std::vector<std::int64_t> stamps_;  ///< distinct neighbours only
  std::vector<Bin> bins_;
  std::uint64_t arrivals_ = 0;
  std::int64_t first_us_ = INT64_MAX, last_us_ = INT64_MIN;
  Trace trace_;
};

/// Links the duration percentiles of a functions.csv (columns queue, dur_p1, dur_p25, dur_p50, dur_p75,
/// dur_p99, dur_p100, in milliseconds) to the trace's queues. Queues that it does not name stay without; a
/// file without these columns links nothing.
class DurationsParser {
 public:
  DurationsParser(std::string name, Trace& trace);
  DurationsParser(const DurationsParser&) = delete;
  DurationsParser& operator=(const DurationsParser&) = delete;
  Result<void> feed(std::string_view bytes) { return csv_.feed(bytes); }
  Result<void> finish() { return csv_.finish(); }

 private:
  static constexpr std::size_t kPercentiles = 6;
  Result<void> take_row(const CsvRow& row);

  Trace& trace_;
  CsvReader csv_;
  std::map<std::string, std::size_t, std::less<>> queues_;
  bool header_seen_ = false;
  bool usable_ = false;
  std::size_t queue_column_ = 0;
  std::size_t columns_[kPercentiles] = {};
};

}  // namespace forewarm
