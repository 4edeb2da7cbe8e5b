#include "edge/trace/series_parser.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <limits>
#include <system_error>
#include <utility>

#include "edge/trace/gzip.h"

namespace forewarm {
namespace {

constexpr float kUnknown = std::numeric_limits<float>::quiet_NaN();
constexpr double kStampMax_s = 1e11;  // the year 5138; a larger stamp is in another unit
constexpr double kSeriesValueMax = 1e15;
constexpr std::int64_t kMinute_us = 60'000'000;

std::string seconds_text(std::int64_t us) {
  std::string text = std::to_string(us / 1'000'000);
  if (us % 1'000'000 != 0) text += "." + std::to_string(us % 1'000'000);
  return text + " s";
}

std::string header_names(const CsvRow& row) {
  return "\"" + printable(row.text) + "\"";
}

std::int64_t floor_to(std::int64_t at, std::int64_t step) {
  return at / step * step;  // stamps are not negative
}

}  // namespace

SeriesParser::SeriesParser(std::string name, SeriesOptions options)
    : name_(name),
      options_(std::move(options)),
      csv_(std::move(name), [this](const CsvRow& row) { return take_row(row); }) {}

Result<void> SeriesParser::take_header(const CsvRow& row) {
  header_seen_ = true;
  time_column_ = find_column(row, "timestamp_s");
  queue_column_ = find_column(row, "queue");
  const std::size_t series = find_column(row, "series"), values = find_column(row, "values");
  if (time_column_ == kNoColumn && series != kNoColumn && values != kNoColumn) {
    if (!options_.column.empty() || !options_.regressors.empty())
      return csv_.fail(row.place(series), "a file of series,values has no further columns to choose");
    wide_ = true;
    queue_column_ = series;
    value_column_ = values;
    return {};
  }
  for (const auto& [column, what] :
       {std::pair(time_column_, "timestamp_s"), std::pair(queue_column_, "queue")}) {
    if (column == kNoColumn)
      return csv_.fail(row.place(0), std::string("no column ") + what + " in " + header_names(row) +
                                         "; a trace begins with timestamp_s,queue,count or "
                                         "timestamp_s,queue,bytes,duration_ms or "
                                         "timestamp_s,queue,value or "
                                         "series,values");
  }
  const auto named = [&](const std::string& column) -> Result<std::size_t> {
    const std::size_t found = find_column(row, column);
    if (found == kNoColumn)
      return csv_.fail(row.place(0),
                       "no column \"" + printable(column) + "\"; there are " + header_names(row));
    return found;
  };
  if (options_.column.empty()) {
    value_column_ = find_column(row, "count");
    if (value_column_ == kNoColumn) {
      value_column_ = find_column(row, "value");
      gauge_ = value_column_ != kNoColumn;
    }
    messages_ = value_column_ == kNoColumn;
  } else {
    const Result<std::size_t> column = named(options_.column);
    if (!column) return std::unexpected(column.error());
    value_column_ = *column;
    gauge_ = options_.column == "value";
  }
  for (const std::string& regressor : options_.regressors) {
    const Result<std::size_t> column = named(regressor);
    if (!column) return std::unexpected(column.error());
    regressor_columns_.push_back(*column);
  }
  return {};
}

Result<float> SeriesParser::number_in(const CsvRow& row, std::size_t column) const {
  if (column >= row.fields.size())
    return csv_.fail(row.place(row.fields.size()), "expected at least " + std::to_string(column + 1) +
                                                       " columns as in the header, found " +
                                                       std::to_string(row.fields.size()));
  const std::string_view text = row.fields[column];
  if (text.empty()) return kUnknown;
  const std::optional<double> value = finite_number(text);
  if (!value || std::abs(*value) > kSeriesValueMax)
    return csv_.fail(row.place(column),
                     "expected a number or nothing (not measured), found \"" + printable(text) + "\"");
  return static_cast<float>(*value);
}

SeriesParser::Queue* SeriesParser::queue_named(std::string_view name) {
  auto found = names_.find(name);
  if (found == names_.end()) {
    const bool wanted =
        options_.queues.empty() || std::ranges::find(options_.queues, name) != options_.queues.end();
    found = names_.emplace(std::string(name), wanted ? queues_.size() : kNoColumn).first;
    if (wanted) queues_.push_back({.name = std::string(name), .rows = {}, .regressors = {}});
  }
  return found->second == kNoColumn ? nullptr : &queues_[found->second];
}

Result<void> SeriesParser::take_row(const CsvRow& row) {
  if (!header_seen_) return take_header(row);
  if (wide_) return take_wide(row);
  if (row.fields.size() <= std::max(time_column_, queue_column_))
    return csv_.fail(row.place(row.fields.size()),
                     "expected columns as in the header, found " + std::to_string(row.fields.size()));
  const std::string_view stamp = row.fields[time_column_];
  const std::optional<double> at = finite_number(stamp);
  if (!at || *at < 0 || *at > kStampMax_s)
    return csv_.fail(row.place(time_column_),
                     "timestamp_s must be seconds from 0 to 1e11, found \"" + printable(stamp) + "\"");
  if (row.fields[queue_column_].empty())
    return csv_.fail(row.place(queue_column_), "the queue's name is empty; every row needs one");
  const Result<float> value = messages_ ? Result<float>(1.0F) : number_in(row, value_column_);
  if (!value) return std::unexpected(value.error());
  Queue* queue = queue_named(row.fields[queue_column_]);
  if (queue == nullptr) return {};
  queue->rows.push_back({.at_us = std::llround(*at * 1e6),
                         .value = *value,
                         .order = static_cast<std::uint32_t>(queue->rows.size())});
  for (const std::size_t column : regressor_columns_) {
    const Result<float> beside = number_in(row, column);
    if (!beside) return std::unexpected(beside.error());
    queue->regressors.push_back(*beside);
  }
  return {};
}

Result<void> SeriesParser::take_wide(const CsvRow& row) {
  if (row.fields.size() <= std::max(queue_column_, value_column_))
    return csv_.fail(row.place(row.fields.size()), "expected the columns series and values");
  if (options_.step <= Duration(0))
    return csv_.fail(row.place(value_column_), "series without times: say with --step how long a step is");
  Queue* queue = queue_named(row.fields[queue_column_]);
  if (queue == nullptr) return {};
  for (std::string_view left = row.fields[value_column_]; !left.empty();) {
    const std::size_t end = std::min(left.find(' '), left.size());
    const std::optional<double> value = finite_number(left.substr(0, end));
    if (!value || std::abs(*value) > kSeriesValueMax)
      return csv_.fail(
          {.line = row.line, .column = static_cast<std::size_t>(left.data() - row.text.data()) + 1},
          "expected numbers with one space between them, found \"" + printable(left.substr(0, end)) + "\"");
    const auto order = static_cast<std::uint32_t>(queue->rows.size());
    queue->rows.push_back(
        {.at_us = options_.step.count() * order, .value = static_cast<float>(*value), .order = order});
    left.remove_prefix(std::min(end + 1, left.size()));
  }
  return {};
}

Result<void> SeriesParser::all_found() const {
  for (const std::string& wanted : options_.queues) {
    if (names_.contains(wanted)) continue;
    std::string some;
    std::size_t shown = 0;
    for (const auto& [name, index] : names_) {
      if (++shown > 5) break;
      some += (some.empty() ? "" : ", ") + printable(name);
    }
    return error(ErrorCode::NotFound, name_ + ": no queue \"" + printable(wanted) + "\" in it; it has " +
                                          std::to_string(names_.size()) + ", such as " + some);
  }
  return {};
}

std::int64_t SeriesParser::least_distance(std::span<const std::int64_t> stamps) {
  std::int64_t least = INT64_MAX;
  for (std::size_t i = 1; i < stamps.size(); ++i) {
    const std::int64_t distance = stamps[i] - stamps[i - 1];
    if (distance > 0) least = std::min(least, distance);
  }
  return least == INT64_MAX ? kMinute_us : least;
}

Result<RecordedSeries> SeriesParser::grid(Queue& queue, std::int64_t bin_us, Range range,
                                          std::size_t& steps_left) const {
  const std::int64_t step = options_.step > Duration(0) ? options_.step.count()
                            : messages_                 ? kMinute_us
                                                        : bin_us;
  if (!messages_ && step % bin_us != 0)
    return error(ErrorCode::Invalid, name_ + ": queue \"" + printable(queue.name) + "\" is recorded every " +
                                         seconds_text(bin_us) + "; --step must be a multiple of it, not " +
                                         seconds_text(step));
  std::int64_t from = floor_to(range.from_us, step), to = floor_to(range.to_us, step) + step;
  if (messages_ || step > bin_us) {
    // A step of which the record covers a part would seem quieter than it was.
    if (from < range.from_us) from += step;
    to = floor_to(messages_ ? range.to_us : range.to_us + bin_us, step);
    if (to <= from)
      return error(ErrorCode::Invalid, name_ + ": a step of " + seconds_text(step) +
                                           " is longer than the record of queue \"" + printable(queue.name) +
                                           "\"; give a shorter --step");
  }
  const auto steps = static_cast<std::uint64_t>((to - from) / step);
  if (steps > steps_left)
    return error(ErrorCode::Exhausted, name_ + ": more than " + std::to_string(options_.steps_max) +
                                           " steps of " + seconds_text(step) +
                                           "; give a longer --step or choose queues with --queue");
  steps_left -= steps;
  const bool zeros =
      options_.absent.value_or(gauge_ ? AbsentRow::NotMeasured : AbsentRow::Zero) == AbsentRow::Zero;
  RecordedSeries out{
      .name = queue.name, .start = TimePoint(Duration(from)), .step = Duration(step), .values = {}};
  out.values.assign(steps, zeros ? 0.0F : kUnknown);
  out.regressor_names = options_.regressors;
  out.regressors.assign(options_.regressors.size(), std::vector<float>(steps, kUnknown));
  std::vector<std::uint32_t> rows(steps, 0);
  for (const Row& row : queue.rows) {
    if (row.at_us < from || row.at_us >= to) continue;
    const auto at = static_cast<std::size_t>((row.at_us - from) / step);
    out.values[at] = rows[at]++ == 0 ? row.value : out.values[at] + row.value;
    for (std::size_t r = 0; r < out.regressors.size(); ++r)
      out.regressors[r][at] = queue.regressors[row.order * out.regressors.size() + r];
  }
  const auto whole = static_cast<std::uint32_t>(messages_ ? 0 : step / bin_us);
  for (std::size_t at = 0; at < steps; ++at) {
    if (gauge_ && rows[at] > 0) out.values[at] /= static_cast<float>(rows[at]);
    if (!zeros && !gauge_ && rows[at] < whole) out.values[at] = kUnknown;
    for (std::vector<float>& regressor : out.regressors) {
      if (at > 0 && std::isnan(regressor[at])) regressor[at] = regressor[at - 1];
    }
  }
  return out;
}

Result<std::vector<RecordedSeries>> SeriesParser::finish() {
  if (Result<void> last = csv_.finish(); !last) return std::unexpected(last.error());
  if (!header_seen_)
    return csv_.fail({.line = 1, .column = 1},
                     "the file is empty; expected a header such as timestamp_s,queue,count");
  if (names_.empty()) return csv_.fail({.line = 2, .column = 1}, "no rows after the header");
  if (Result<void> found = all_found(); !found) return std::unexpected(found.error());
  Range all{.from_us = INT64_MAX, .to_us = INT64_MIN};
  for (Queue& queue : queues_) {
    std::ranges::sort(queue.rows, {}, [](const Row& row) { return std::pair(row.at_us, row.order); });
    if (queue.rows.empty()) continue;
    all.from_us = std::min(all.from_us, queue.rows.front().at_us);
    all.to_us = std::max(all.to_us, queue.rows.back().at_us);
  }
  const bool zeros =
      options_.absent.value_or(gauge_ ? AbsentRow::NotMeasured : AbsentRow::Zero) == AbsentRow::Zero;
  std::vector<std::int64_t> stamps;
  const auto add_stamps = [&](const Queue& queue) {
    for (const Row& row : queue.rows) stamps.push_back(row.at_us);
  };
  if (zeros && !messages_) std::ranges::for_each(queues_, add_stamps);
  std::ranges::sort(stamps);
  const std::int64_t common_us = messages_ ? 1 : least_distance(stamps);
  std::vector<RecordedSeries> series;
  std::size_t steps_left = options_.steps_max;
  for (Queue& queue : queues_) {
    if (queue.rows.empty()) continue;
    // Where a missing row is a zero, all queues were watched for as long as
    // any; else each for itself.
    std::int64_t bin_us = common_us;
    Range range = all;
    if (wide_ || (!zeros && !messages_)) {
      stamps.clear();
      add_stamps(queue);
      bin_us = wide_ ? options_.step.count() : least_distance(stamps);
      range = {.from_us = queue.rows.front().at_us, .to_us = queue.rows.back().at_us};
    }
    Result<RecordedSeries> one = grid(queue, bin_us, range, steps_left);
    if (!one) return std::unexpected(one.error());
    series.push_back(std::move(*one));
  }
  return series;
}

Result<std::vector<RecordedSeries>> read_series(const std::string& path, const SeriesOptions& options) {
  namespace fs = std::filesystem;
  std::error_code code;
  fs::path file = path;
  if (fs::is_directory(file, code)) {
    const fs::path folder = file;
    for (const char* name :
         {"trace.csv", "trace.csv.gz", "messages.csv", "messages.csv.gz", "series.csv", "series.csv.gz"}) {
      if (file == folder && fs::is_regular_file(folder / name, code)) file = folder / name;
    }
    if (file == folder)
      return error(ErrorCode::NotFound, path +
                                            ": no trace.csv, messages.csv or series.csv (or the "
                                            "same with .gz) in this folder");
  } else if (!fs::exists(file, code)) {
    return error(ErrorCode::NotFound,
                 path + ": no such file or folder; give a trace file or a folder with one");
  }
  SeriesParser parser(file.string(), options);
  Result<void> read =
      read_file_pieces(file.string(), [&](std::string_view bytes) { return parser.feed(bytes); });
  if (!read) return std::unexpected(read.error());
  return parser.finish();
}

}  // namespace forewarm
