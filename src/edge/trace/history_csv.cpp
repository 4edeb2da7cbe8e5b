#include "edge/trace/history_csv.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>

namespace forewarm {
namespace {

constexpr double kStampMax = 1e11;  // the year 5138; a larger stamp is in another unit
constexpr double kNumberMax = 1e15;

bool any_sign(std::size_t field) {
  const auto which = static_cast<HistoryField>(field);
  return which >= HistoryField::Value && which <= HistoryField::Last;
}

/// True if the whole text is a finite number.
bool read_number(std::string_view text, double& value) {
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  return code == std::errc() && end == text.data() + text.size() && std::isfinite(value);
}

}  // namespace

HistoryCsv::HistoryCsv(std::string name, OnRow on_row)
    : on_row_(std::move(on_row)), csv_(std::move(name), [this](const CsvRow& row) { return take_row(row); }) {
  columns_.fill(kNone);
}

Result<void> HistoryCsv::take_header(const CsvRow& row) {
  header_seen_ = true;
  bool signal = false;
  for (std::size_t column = 0; column < row.fields.size(); ++column) {
    const std::string_view name = row.fields[column];
    const auto known = std::ranges::find(kHistoryFields, name) - kHistoryFields.begin();
    std::size_t* place = nullptr;
    if (name == "timestamp_s") place = &time_column_;
    if (name == "queue" || name == "signal") place = &series_column_;
    if (known < std::ssize(kHistoryFields)) place = &columns_[static_cast<std::size_t>(known)];
    if (place == nullptr) continue;
    if (*place != kNone)
      return csv_.fail(row.place(column), "the column " + printable(name) + " is there twice");
    signal = signal || name == "signal";
    *place = column;
    if (place == &time_column_ || place == &series_column_) last_column_ = std::max(last_column_, column);
  }
  constexpr const char* kHeaders =
      "; a history begins with a line such as timestamp_s,queue,count (arrivals in intervals), "
      "timestamp_s,queue,bytes,duration_ms (one row a message) or timestamp_s,queue,value (a signal)";
  for (const auto& [column, name] :
       {std::pair(time_column_, "timestamp_s"), std::pair(series_column_, "queue")}) {
    if (column == kNone)
      return csv_.fail(row.place(0),
                       "no column " + std::string(name) + " in \"" + printable(row.text) + "\"" + kHeaders);
  }
  if (has(HistoryField::Value) && (signal || !has(HistoryField::Count)))
    format_ = Format::Gauge;
  else
    format_ = has(HistoryField::Count) ? Format::Binned : Format::PerMessage;
  return {};
}

Result<void> HistoryCsv::take_number(const CsvRow& row, std::size_t field, double& value) const {
  value = std::numeric_limits<double>::quiet_NaN();
  const std::size_t column = columns_[field];
  if (column >= row.fields.size() || row.fields[column].empty()) return {};
  const std::string_view text = row.fields[column];
  const double least = any_sign(field) ? -kNumberMax : 0;
  double read = 0;
  if (read_number(text, read) && read >= least && read <= kNumberMax) {
    value = read;
    return {};
  }
  // Recorded traces have classes here that are no priorities of ours.
  if (static_cast<HistoryField>(field) == HistoryField::OwnPriority) return {};
  return csv_.fail(row.place(column), std::string(kHistoryFields[field]) + " must be a number " +
                                          (any_sign(field) ? "up to 1e15 in size" : "from 0 to 1e15") +
                                          " or empty, found \"" + printable(text) + "\"");
}

Result<void> HistoryCsv::take_row(const CsvRow& row) {
  if (!header_seen_) return take_header(row);
  if (row.fields.size() <= last_column_)
    return csv_.fail(row.place(row.fields.size()), "expected at least " + std::to_string(last_column_ + 1) +
                                                       " columns as in the header, found " +
                                                       std::to_string(row.fields.size()));
  HistoryRow out;
  const std::string_view stamp = row.fields[time_column_];
  double at = 0;
  if (!read_number(stamp, at) || at < 0 || at > kStampMax)
    return csv_.fail(row.place(time_column_),
                     "timestamp_s must be seconds from 0 to 1e11, found \"" + printable(stamp) + "\"");
  out.at_us = std::llround(at * 1e6);
  out.series = row.fields[series_column_];
  out.place = row.place(time_column_);
  if (out.series.empty())
    return csv_.fail(row.place(series_column_), "the name is empty; every row needs one");
  for (std::size_t field = 0; field < kHistoryFields.size(); ++field) {
    if (Result<void> taken = take_number(row, field, out.values[field]); !taken) return taken;
  }
  rows_seen_ = true;
  return on_row_(format_, out);
}

Result<void> HistoryCsv::finish() {
  if (Result<void> last = csv_.finish(); !last) return last;
  if (!header_seen_)
    return csv_.fail({.line = 1, .column = 1},
                     "the file is empty; expected a header such as timestamp_s,queue,count");
  if (!rows_seen_) return csv_.fail({.line = 2, .column = 1}, "no rows after the header");
  return {};
}

}  // namespace forewarm
