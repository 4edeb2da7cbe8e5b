#include "edge/trace/trace_parser.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <tuple>
#include <utility>

#include "base/random.h"

namespace forewarm {
namespace {

constexpr double kSecondsMax = 1e11;     // the year 5138; a larger stamp is in another unit
constexpr double kDurationMsMax = 1e11;  // three years
constexpr double kCountMax = 1e9;

std::uint64_t hash_name(std::string_view name) {
  std::uint64_t hash = 0xcbf29ce484222325ULL;  // FNV-1a
  for (const char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
  return hash;
}

}  // namespace

TraceParser::TraceParser(std::string name, const TraceOptions& options)
    : name_(name),
      options_(options),
      csv_(std::move(name), [this](const CsvRow& row) { return take_row(row); }) {}

Result<void> TraceParser::take_row(const CsvRow& row) {
  if (!header_seen_) return take_header(row);
  const std::size_t needed = std::max({time_column_, queue_column_, binned_ ? count_column_ : 0});
  if (row.fields.size() <= needed)
    return csv_.fail(row.place(row.fields.size()), "expected at least " + std::to_string(needed + 1) +
                                                       " columns as in the header, found " +
                                                       std::to_string(row.fields.size()));
  const Result<std::int64_t> at = time_stamp(row);
  if (!at) return std::unexpected(at.error());
  const Result<std::uint32_t> queue = queue_index(row);
  if (!queue) return std::unexpected(queue.error());

  first_us_ = std::min(first_us_, *at);
  last_us_ = std::max(last_us_, *at);
  if (binned_) {
    if (stamps_.empty() || stamps_.back() != *at) stamps_.push_back(*at);
    return take_bin(row, *at, *queue);
  }
  return take_message(row, *at, *queue);
}

Result<void> TraceParser::take_header(const CsvRow& row) {
  header_seen_ = true;
  time_column_ = find_column(row, "timestamp_s");
  queue_column_ = find_column(row, "queue");
  count_column_ = find_column(row, "count");
  bytes_column_ = find_column(row, "bytes");
  duration_column_ = find_column(row, "duration_ms");
  constexpr const char* kFormats =
      "; a trace begins with the line timestamp_s,queue,count (binned) or "
      "timestamp_s,queue,bytes,duration_ms "
      "(per message)";
  if (time_column_ == kNoColumn)
    return csv_.fail(row.place(0), "no column timestamp_s in \"" + printable(row.text) + "\"" + kFormats);
  if (queue_column_ == kNoColumn)
    return csv_.fail(row.place(0), "no column queue in \"" + printable(row.text) + "\"" + kFormats);
  const std::size_t gauge = find_column(row, "value");
  if (count_column_ == kNoColumn && gauge != kNoColumn)
    return csv_.fail(row.place(gauge),
                     std::string("a column value is a gauge, not arrivals of messages") + kFormats);
  binned_ = count_column_ != kNoColumn;
  return {};
}

Result<std::int64_t> TraceParser::time_stamp(const CsvRow& row) const {
  const std::string_view text = row.fields[time_column_];
  const std::optional<double> value = finite_number(text);
  if (!value || *value < 0 || *value > kSecondsMax)
    return csv_.fail(row.place(time_column_),
                     "timestamp_s must be seconds from 0 to 1e11, found \"" + printable(text) + "\"");
  return std::llround(*value * 1e6);
}

Result<std::uint32_t> TraceParser::queue_index(const CsvRow& row) {
  const std::string_view name = row.fields[queue_column_];
  if (name == last_name_ && !name.empty()) return last_queue_;
  if (name.empty())
    return csv_.fail(row.place(queue_column_), "the queue's name is empty; every row needs one");
  auto found = queues_.find(name);
  if (found == queues_.end()) {
    if (queues_.size() == kQueuesMax)
      return csv_.fail(row.place(queue_column_), "more than a million queues; cut the trace");
    const bool wanted = options_.queues.empty() || std::find(options_.queues.begin(), options_.queues.end(),
                                                             name) != options_.queues.end();
    const auto index = wanted ? static_cast<std::uint32_t>(trace_.queues.size()) : kNotWanted;
    if (wanted) trace_.queues.push_back({.name = std::string(name), .durations = std::nullopt});
    found = queues_.emplace(std::string(name), index).first;
  }
  last_name_ = name;
  last_queue_ = found->second;
  return last_queue_;
}

Result<void> TraceParser::count_arrivals(const CsvRow& row, std::uint64_t more) {
  arrivals_ += more;
  if (arrivals_ <= options_.arrivals_max) return {};
  return error(ErrorCode::Exhausted, name_ + ":" + std::to_string(row.line) + ":1: more than " +
                                         std::to_string(options_.arrivals_max) +
                                         " messages; choose fewer queues or cut the trace");
}

Result<void> TraceParser::take_bin(const CsvRow& row, std::int64_t at_us, std::uint32_t queue) {
  if (queue == kNotWanted) return {};
  const std::string_view text = row.fields[count_column_];
  const std::optional<double> value = finite_number(text);
  if (!value || *value < 0 || *value > kCountMax || *value != std::floor(*value))
    return csv_.fail(row.place(count_column_),
                     "count must be a whole number from 0 to 1e9, found \"" + printable(text) + "\"");
  if (*value == 0) return {};
  bins_.push_back({.at_us = at_us, .queue = queue, .count = static_cast<std::uint32_t>(*value)});
  return count_arrivals(row, static_cast<std::uint64_t>(*value));
}

Result<void> TraceParser::take_message(const CsvRow& row, std::int64_t at_us, std::uint32_t queue) {
  TraceArrival arrival{.at = Duration(at_us), .queue = queue};
  if (bytes_column_ < row.fields.size() && !row.fields[bytes_column_].empty()) {
    const std::string_view text = row.fields[bytes_column_];
    const std::optional<double> bytes = finite_number(text);
    if (!bytes || *bytes < 0 || *bytes > std::numeric_limits<std::uint32_t>::max())
      return csv_.fail(
          row.place(bytes_column_),
          "bytes must be a number from 0 to 4294967295 or empty, found \"" + printable(text) + "\"");
    arrival.bytes = static_cast<std::uint32_t>(*bytes);
  }
  if (duration_column_ < row.fields.size() && !row.fields[duration_column_].empty()) {
    const std::string_view text = row.fields[duration_column_];
    const std::optional<double> duration_ms = finite_number(text);
    if (!duration_ms || *duration_ms < 0 || *duration_ms > kDurationMsMax)
      return csv_.fail(
          row.place(duration_column_),
          "duration_ms must be milliseconds from 0 to 1e11 or empty, found \"" + printable(text) + "\"");
    arrival.service_time = Duration(std::llround(*duration_ms * 1e3));
  }
  if (queue == kNotWanted) return {};
  trace_.arrivals.push_back(arrival);
  return count_arrivals(row, 1);
}

Result<Trace> TraceParser::finish() {
  if (Result<void> last = csv_.finish(); !last) return std::unexpected(last.error());
  if (!header_seen_)
    return csv_.fail({.line = 1, .column = 1},
                     "the file is empty; expected a header such as timestamp_s,queue,count");
  if (first_us_ > last_us_) return csv_.fail({.line = 2, .column = 1}, "no rows after the header");
  if (Result<void> found = all_queues_found(); !found) return std::unexpected(found.error());

  Duration tail(0);
  if (binned_) {
    trace_.bin = options_.bin > Duration(0) ? options_.bin : Duration(bin_width_us());
    tail = trace_.bin;
    spread(trace_.bin);
  }
  trace_.start = time_point_us(first_us_);
  trace_.length = Duration(last_us_ - first_us_) + tail;
  for (TraceArrival& arrival : trace_.arrivals) arrival.at -= Duration(first_us_);
  std::sort(trace_.arrivals.begin(), trace_.arrivals.end(), [](const TraceArrival& a, const TraceArrival& b) {
    return std::tie(a.at, a.queue, a.bytes, a.service_time) <
           std::tie(b.at, b.queue, b.bytes, b.service_time);
  });
  return std::move(trace_);
}

Result<void> TraceParser::all_queues_found() const {
  for (const std::string& wanted : options_.queues) {
    if (queues_.contains(wanted)) continue;
    std::string some;
    std::size_t shown = 0;
    for (const auto& [name, index] : queues_) {
      if (++shown > 5) break;
      some += (some.empty() ? "" : ", ") + printable(name);
    }
    return error(ErrorCode::NotFound, name_ + ": no queue \"" + printable(wanted) + "\" in it; it has " +
                                          std::to_string(queues_.size()) + ", such as " + some);
  }
  return {};
}

/// The least distance between two different stamps; a minute where all rows have the same.
std::int64_t TraceParser::bin_width_us() const {
  std::vector<std::int64_t> stamps = stamps_;
  std::sort(stamps.begin(), stamps.end());
  std::int64_t width = INT64_MAX;
  for (std::size_t i = 1; i < stamps.size(); ++i) {
    if (stamps[i] > stamps[i - 1]) width = std::min(width, stamps[i] - stamps[i - 1]);
  }
  return width == INT64_MAX ? 60'000'000 : width;
}

/// Draws are keyed by queue name and bin, so that choosing fewer queues does not move the others' arrivals.
void TraceParser::spread(Duration bin) {
  trace_.arrivals.reserve(arrivals_);
  for (const Bin& row : bins_) {
    Random random(mix_bits(options_.seed ^ hash_name(trace_.queues[row.queue].name)) ^
                  static_cast<std::uint64_t>(row.at_us));
    for (std::uint32_t i = 0; i < row.count; ++i) {
      const auto inside = static_cast<std::int64_t>(random.uniform() * static_cast<double>(bin.count()));
      trace_.arrivals.push_back({.at = Duration(row.at_us + inside), .queue = row.queue});
    }
  }
}

DurationsParser::DurationsParser(std::string name, Trace& trace)
    : trace_(trace), csv_(std::move(name), [this](const CsvRow& row) { return take_row(row); }) {
  for (std::size_t i = 0; i < trace.queues.size(); ++i) queues_.emplace(trace.queues[i].name, i);
}

Result<void> DurationsParser::take_row(const CsvRow& row) {
  constexpr const char* kNames[kPercentiles] = {"dur_p1",  "dur_p25", "dur_p50",
                                                "dur_p75", "dur_p99", "dur_p100"};
  if (!header_seen_) {
    header_seen_ = true;
    queue_column_ = find_column(row, "queue");
    usable_ = queue_column_ < row.fields.size();
    for (std::size_t i = 0; i < kPercentiles; ++i) {
      columns_[i] = find_column(row, kNames[i]);
      usable_ = usable_ && columns_[i] < row.fields.size();
    }
    return {};
  }
  if (!usable_ || row.fields.size() <= queue_column_) return {};
  const auto found = queues_.find(row.fields[queue_column_]);
  if (found == queues_.end()) return {};
  double values[kPercentiles] = {};
  for (std::size_t i = 0; i < kPercentiles; ++i) {
    const std::string_view text =
        columns_[i] < row.fields.size() ? row.fields[columns_[i]] : std::string_view();
    const std::optional<double> value = finite_number(text);
    if (!value || *value < 0 || *value > kDurationMsMax || (i > 0 && *value < values[i - 1]))
      return csv_.fail(row.place(columns_[i]),
                       std::string(kNames[i]) +
                           " must be milliseconds, not below the percentile before it, found \"" +
                           printable(text) + "\"");
    values[i] = *value;
  }
  trace_.queues[found->second].durations = TraceDurations{.p1_ms = values[0],
                                                          .p25_ms = values[1],
                                                          .p50_ms = values[2],
                                                          .p75_ms = values[3],
                                                          .p99_ms = values[4],
                                                          .p100_ms = values[5]};
  return {};
}

}  // namespace forewarm
