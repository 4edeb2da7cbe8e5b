#include "app/history_import.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <tuple>

#include "app/config.h"
#include "edge/observe/clock_text.h"
#include "edge/trace/gzip.h"
#include "edge/trace/history_csv.h"

namespace forewarm {
namespace {

constexpr std::int64_t kEpochStampsFrom_us =
    1'000'000'000'000'000;  // 2001; smaller stamps count from a start
constexpr Duration kMessageStep = 10s;

Duration floored(Duration since_epoch, Duration step) {
  const Duration past = since_epoch % step;
  return since_epoch - (past < Duration(0) ? past + step : past);
}

/// Intervals that begin together become one; `rows` is then in the order of time.
template <class M>
void settle_rows(std::vector<Measured<M>>& rows) {
  std::ranges::stable_sort(rows, {}, &Measured<M>::start);
  std::vector<Measured<M>> settled;
  for (std::size_t i = 0; i < rows.size();) {
    std::size_t end = i + 1;
    while (end < rows.size() && rows[end].start == rows[i].start) ++end;
    if (end == i + 1) {
      settled.push_back(std::move(rows[i]));
    } else {
      Joining<M> joining;
      const std::int64_t length = count_ms(rows[i].step);
      for (std::size_t k = i; k < end; ++k) joining.add(rows[k].measures, length);
      settled.push_back({rows[i].start, rows[i].step, joining.whole(length, length)});
    }
    i = end;
  }
  rows = std::move(settled);
}

template <class M>
void cover_rows(const std::vector<Measured<M>>& rows, std::vector<Span>& covered) {
  SpanSet set;
  for (const Measured<M>& row : rows) set.add({count_ms(row.start), count_ms(row.start + row.step)});
  covered = set.spans();
}

/// Gathers the rows of a file until all is known that they need: the width of the bins, when it all began.
class CsvImport {
 public:
  CsvImport(std::string path, const ImportOptions& options)
      : path_(path),
        options_(options),
        csv_(std::move(path), [this](HistoryCsv::Format, const HistoryRow& row) { return take(row); }) {}

  Result<void> feed(std::string_view bytes) { return csv_.feed(bytes); }
  Result<std::vector<ImportedSeries>> finish();

 private:
  struct Raw {
    std::int64_t at_us = 0;
    Duration step{0};
    QueueMeasures queue;
    SignalMeasures signal;
    bool recorded = true;
  };

  Result<void> take(const HistoryRow& row);
  QueueMeasures queue_measures(const HistoryRow& row) const;
  void add_message(std::vector<Raw>& rows, const HistoryRow& row);
  Result<Duration> offset() const;
  Result<Duration> own_step();
  static std::int64_t least_distance(std::vector<Raw>& rows);
  Result<void> all_found() const;
  void add_series(const std::string& name, std::vector<Raw>& rows, Duration offset, Duration own,
                  std::vector<ImportedSeries>& out) const;

  std::string path_;
  ImportOptions options_;
  HistoryCsv csv_;
  std::map<std::string, std::vector<Raw>, std::less<>> series_;
  std::int64_t first_us_ = INT64_MAX, last_us_ = INT64_MIN;
};

Result<void> CsvImport::take(const HistoryRow& row) {
  first_us_ = std::min(first_us_, row.at_us);
  last_us_ = std::max(last_us_, row.at_us);
  if (!options_.names.empty() && std::ranges::find(options_.names, row.series) == options_.names.end())
    return {};
  auto found = series_.find(row.series);
  if (found == series_.end()) found = series_.emplace(std::string(row.series), std::vector<Raw>()).first;
  Raw raw{.at_us = row.at_us, .queue = {}, .signal = {}};
  if (const double step = row[HistoryField::StepSeconds]; !std::isnan(step)) {
    raw.step = from_seconds(step);
    if (raw.step <= Duration(0)) return csv_.fail(row.place, "step_s must be above zero");
  }
  if (csv_.format() == HistoryCsv::Format::PerMessage) {
    add_message(found->second, row);
    return {};
  }
  if (csv_.format() == HistoryCsv::Format::Gauge) {
    const double value = row[HistoryField::Value];
    const auto or_value = [&](HistoryField field) { return std::isnan(row[field]) ? value : row[field]; };
    const double count = row[HistoryField::Count];
    raw.signal = {std::isnan(count) ? 1 : count, value, or_value(HistoryField::Least),
                  or_value(HistoryField::Most), or_value(HistoryField::Last)};
    raw.recorded = !std::isnan(value);
  } else {
    raw.queue = queue_measures(row);
    raw.recorded = !std::isnan(raw.queue.arrivals);
  }
  found->second.push_back(std::move(raw));
  return {};
}

QueueMeasures CsvImport::queue_measures(const HistoryRow& row) const {
  QueueMeasures measures;
  measures.arrivals = row[HistoryField::Count];
  measures.bytes = row[HistoryField::Bytes];
  measures.runs = row[HistoryField::Runs];
  measures.service_seconds = row[HistoryField::ServiceSeconds];
  for (std::size_t i = 0; i < measures.by_priority.size(); ++i)
    measures.by_priority[i] = row.values[static_cast<std::size_t>(HistoryField::Priority0) + i];
  return measures;
}

/// Messages of one interval are counted together at once: there may be very many.
void CsvImport::add_message(std::vector<Raw>& rows, const HistoryRow& row) {
  const Duration step = options_.step > Duration(0) ? options_.step : kMessageStep;
  const std::int64_t at = floored(Duration(row.at_us), step).count();
  if (rows.empty() || rows.back().at_us != at) {
    Raw raw{.at_us = at, .step = step, .queue = {}, .signal = {}};
    if (!csv_.has(HistoryField::Bytes)) raw.queue.bytes = kNotMeasured;
    if (!csv_.has(HistoryField::OwnPriority)) raw.queue.by_priority.fill(kNotMeasured);
    if (!csv_.has(HistoryField::DurationMs)) raw.queue.runs = raw.queue.service_seconds = kNotMeasured;
    rows.push_back(std::move(raw));
  }
  QueueMeasures& queue = rows.back().queue;
  queue.arrivals += 1;
  if (const double bytes = row[HistoryField::Bytes]; !std::isnan(bytes)) queue.bytes += bytes;
  const double priority = row[HistoryField::OwnPriority];
  if (priority >= 0 && priority <= kPriorityMax) queue.by_priority[static_cast<std::size_t>(priority)] += 1;
  if (const double duration = row[HistoryField::DurationMs]; !std::isnan(duration)) {
    queue.runs += 1;
    queue.service_seconds += duration * 1e-3;
    queue.service_times.observe(from_seconds(duration * 1e-3));
  }
}

/// What is added to the file's stamps.
Result<Duration> CsvImport::offset() const {
  const bool counts_from_start = last_us_ < kEpochStampsFrom_us;
  if (counts_from_start && !options_.start) {
    return error(ErrorCode::Invalid, path_ + ": its stamps, from " + std::to_string(first_us_ / 1'000'000) +
                                         " to " + std::to_string(last_us_ / 1'000'000) +
                                         " s, count from the start of the recording. Say when that was, for "
                                         "example --start 2026-01-05T00:00:00Z");
  }
  if (!counts_from_start && options_.start) {
    return error(ErrorCode::Invalid, path_ + ": its stamps are seconds since 1970 already, the first is " +
                                         utc_text(time_point_us(first_us_)) +
                                         ". Leave --start out; --shift moves them, for example --shift 364d");
  }
  return (options_.start ? options_.start->time_since_epoch() : Duration(0)) + options_.shift;
}

/// The least distance between two stamps of one series, where the rows do not say their step. Stamps of
/// different series may lie anywhere between each other.
Result<Duration> CsvImport::own_step() {
  std::int64_t least = INT64_MAX;
  for (auto& [name, rows] : series_) least = std::min(least, least_distance(rows));
  if (least != INT64_MAX) return Duration(least);
  if (options_.step > Duration(0)) return options_.step;
  return error(ErrorCode::Invalid,
               path_ +
                   ": no series has two time stamps, so the width of its intervals is not "
                   "known; say it with --step, for example --step 1m");
}

std::int64_t CsvImport::least_distance(std::vector<Raw>& rows) {
  std::ranges::stable_sort(rows, {}, &Raw::at_us);
  std::int64_t least = INT64_MAX;
  for (std::size_t i = 1; i < rows.size(); ++i) {
    if (rows[i].at_us > rows[i - 1].at_us) least = std::min(least, rows[i].at_us - rows[i - 1].at_us);
  }
  return least;
}

void CsvImport::add_series(const std::string& name, std::vector<Raw>& rows, Duration offset, Duration own,
                           std::vector<ImportedSeries>& out) const {
  const bool signal = csv_.format() == HistoryCsv::Format::Gauge;
  // A signal has a value for each of its steps; a quiet queue may have none for hours.
  const std::int64_t its_own = signal ? least_distance(rows) : INT64_MAX;
  if (its_own != INT64_MAX) own = Duration(its_own);
  std::map<Duration, ImportedSeries> by_step;
  for (Raw& raw : rows) {
    if (!raw.recorded) continue;
    const Duration step = options_.step > Duration(0) ? options_.step
                          : raw.step > Duration(0)    ? raw.step
                                                      : own;
    ImportedSeries& series = by_step[step];
    const TimePoint start(floored(Duration(raw.at_us) + offset, step));
    if (signal)
      series.signal.push_back({start, step, raw.signal});
    else
      series.queue.push_back({start, step, std::move(raw.queue)});
  }
  const bool said = csv_.has(HistoryField::StepSeconds);
  for (auto& [step, series] : by_step) {
    series.kind = signal ? SeriesKind::Signal : SeriesKind::Queue;
    series.name = options_.as.empty() ? name : options_.as;
    series.step = step;
    series.settle();
    if (!signal && !said && options_.absent_is_zero) {
      SpanSet covered;
      covered.add({count_ms(floored(Duration(first_us_) + offset, step)),
                   count_ms(floored(Duration(last_us_) + offset, step) + step)});
      for (const Raw& raw : rows) {
        const std::int64_t at = count_ms(floored(Duration(raw.at_us) + offset, step));
        if (!raw.recorded) covered.remove({at, at + count_ms(step)});
      }
      series.covered = covered.spans();
    }
    out.push_back(std::move(series));
  }
}

Result<void> CsvImport::all_found() const {
  for (const std::string& wanted : options_.names) {
    if (!series_.contains(wanted))
      return error(ErrorCode::NotFound, path_ + ": there is no series '" + wanted + "' in it");
  }
  if (!options_.as.empty() && series_.size() > 1) {
    return error(ErrorCode::Invalid, path_ + ": it has " + std::to_string(series_.size()) +
                                         " series; --as needs one, chosen with --queue NAME");
  }
  return {};
}

Result<std::vector<ImportedSeries>> CsvImport::finish() {
  if (Result<void> end = csv_.finish(); !end) return std::unexpected(end.error());
  if (Result<void> found = all_found(); !found) return std::unexpected(found.error());
  const Result<Duration> added = offset();
  if (!added) return std::unexpected(added.error());
  Result<Duration> own = kMessageStep;
  if (csv_.format() != HistoryCsv::Format::PerMessage && !csv_.has(HistoryField::StepSeconds))
    own = own_step();
  if (!own) return std::unexpected(own.error());
  if (options_.step > Duration(0) && csv_.format() != HistoryCsv::Format::PerMessage &&
      options_.step % *own != Duration(0)) {
    return error(ErrorCode::Invalid, path_ + ": its intervals are " + format_duration(*own) +
                                         " long; --step must be a whole multiple of that");
  }
  std::vector<ImportedSeries> out;
  for (auto& [name, rows] : series_) {
    add_series(name, rows, *added, *own, out);
    rows = {};
  }
  return out;
}

}  // namespace

void ImportedSeries::settle() {
  settle_rows(queue);
  settle_rows(signal);
  if (kind == SeriesKind::Signal)
    cover_rows(signal, covered);
  else
    cover_rows(queue, covered);
}

Result<std::vector<ImportedSeries>> read_history_csv(const std::string& path, const ImportOptions& options,
                                                     const std::function<void(double)>& progress) {
  CsvImport reading(path, options);
  const Result<void> read = read_file_pieces(
      path, [&](std::string_view bytes) { return reading.feed(bytes); }, progress);
  if (!read) return std::unexpected(read.error());
  return reading.finish();
}

Result<std::vector<ImportedSeries>> read_history_text(const std::string& name, std::string_view text,
                                                      const ImportOptions& options) {
  CsvImport reading(name, options);
  if (const Result<void> fed = reading.feed(text); !fed) return std::unexpected(fed.error());
  return reading.finish();
}

namespace {

Result<void> fill_all(HistoryDatabase& database, const std::vector<ImportedSeries>& all, TimePoint now,
                      bool replace, const std::function<void(double)>& progress, ImportReport& report) {
  for (std::size_t i = 0; i < all.size(); ++i) {
    const ImportedSeries& one = all[i];
    const Result<Filled> filled =
        one.kind == SeriesKind::Signal
            ? database.fill<SignalMeasures>(one.name, one.step, one.signal, one.covered, now, replace)
            : database.fill<QueueMeasures>(one.name, one.step, one.queue, one.covered, now, replace);
    if (!filled) return std::unexpected(filled.error());
    report.series += 1;
    report.intervals.added += filled->added;
    report.intervals.present += filled->present;
    report.intervals.too_old += filled->too_old;
    report.intervals.future += filled->future;
    report.step = report.step == Duration(0) ? one.step : std::min(report.step, one.step);
    if (!one.covered.empty()) {
      report.first = std::min(report.first, time_point_ms(one.covered.front().start));
      report.until = std::max(report.until, time_point_ms(one.covered.back().until));
    }
    progress(static_cast<double>(i + 1) / static_cast<double>(all.size()));
  }
  return {};
}

}  // namespace

Result<ImportReport> import_series(HistoryDatabase& database, const std::vector<ImportedSeries>& all,
                                   TimePoint now, bool replace, const std::function<void(double)>& progress,
                                   bool together) {
  ImportReport report;
  const auto fill = [&] { return fill_all(database, all, now, replace, progress, report); };
  if (const Result<void> filled = together ? database.together(fill) : fill(); !filled)
    return std::unexpected(filled.error());
  for (bool more = true; more;) {
    const Result<bool> thinned = database.thin_out(now);
    if (!thinned) return std::unexpected(thinned.error());
    more = *thinned;
  }
  return report;
}

}  // namespace forewarm
