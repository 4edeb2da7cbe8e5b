#pragma once

#include <array>
#include <map>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>

#include "edge/history/measures.h"
#include "edge/history/span_set.h"
#include "edge/sqlite/sqlite.h"

namespace forewarm {

enum class SeriesKind : std::uint8_t { Queue, Function, Signal };
inline constexpr std::array<std::string_view, 3> kSeriesKinds = {"queue", "function", "signal"};

template <class M>
inline constexpr SeriesKind kKindOf = SeriesKind::Queue;
template <>
inline constexpr SeriesKind kKindOf<FunctionMeasures> = SeriesKind::Function;
template <>
inline constexpr SeriesKind kKindOf<SignalMeasures> = SeriesKind::Signal;

using SeriesNumber = std::int64_t;

/// The tables of history.db and the statements that touch them, in SQLite's terms; docs/formats/history.md
/// describes them for people. Times are milliseconds.
///
/// Intervals are kept in the order of time, not of series: a server that writes ten thousand queues then
/// appends to one place instead of ten thousand, old intervals go as one stretch, and a restart reads the
/// newest day in one go. One series is read by looking its intervals up one by one.
class HistoryTables {
 public:
  /// Of one table, for one of the three kinds.
  template <class M>
  struct Rows {
    sqlite::Statement put;
    sqlite::Statement find;
    sqlite::Statement scan;
    sqlite::Statement remove;
    sqlite::Statement remove_one;
    sqlite::Statement next_step;
  };
  struct Row {
    std::int64_t start = 0;
    SeriesNumber series = 0;
  };

  sqlite::Code create(sqlite::Connection& connection);
  sqlite::Code prepare(const sqlite::Connection& connection);
  /// Forgets what is remembered of the file, after a transaction that was rolled back.
  void forget() { numbers_.clear(); }

  /// The number of a series; 0 if it has none and `make` is false.
  sqlite::Code series(SeriesKind kind, std::string_view name, bool make, SeriesNumber& number);

  template <class M>
  sqlite::Code put(std::int64_t step, Row row, const M& measures);
  /// False when there is no row, which is zero where it was measured.
  template <class M>
  bool find(std::int64_t step, Row row, M& measures);
  /// Rows of [span.start, span.until) in the order of time: begin_scan, then next until it is false.
  template <class M>
  void begin_scan(std::int64_t step, Span span);
  template <class M>
  bool next(Row& row, M& measures);
  template <class M>
  sqlite::Code remove(std::int64_t step, Span span);
  template <class M>
  sqlite::Code remove(std::int64_t step, Span span, SeriesNumber series);
  /// The least step above `step` that has rows; 0 if there is none.
  template <class M>
  std::int64_t step_above(std::int64_t step);

  /// What was measured of one series, on every grid: step to spans.
  sqlite::Code coverage(SeriesNumber series, std::map<std::int64_t, SpanSet>& out);
  sqlite::Code cover(SeriesNumber series, std::int64_t step, Span span);
  sqlite::Code uncover(SeriesNumber series, std::int64_t step, Span span);

  /// Of the last read: kOk, what SQLite said, or SQLite's "corrupt" when a row is not what was written.
  sqlite::Code code() const { return code_; }

 private:
  template <class M>
  sqlite::Code prepare_rows(const sqlite::Connection& connection);
  template <class M>
  Rows<M>& rows() {
    return std::get<Rows<M>>(rows_);
  }
  template <class M>
  void read_measures(const sqlite::Statement& row, int column, M& measures);
  sqlite::Code change_coverage(SeriesNumber series, std::int64_t step, Span span,
                               void (SpanSet::*change)(Span));

  const sqlite::Connection* connection_ = nullptr;
  std::tuple<Rows<QueueMeasures>, Rows<FunctionMeasures>, Rows<SignalMeasures>> rows_;
  sqlite::Statement find_series_, add_series_;
  sqlite::Statement extend_coverage_, read_near_coverage_, read_all_coverage_, remove_coverage_,
      add_coverage_;
  std::map<std::pair<SeriesKind, std::string>, SeriesNumber, std::less<>> numbers_;
  sqlite::Code code_ = sqlite::kOk;
};

}  // namespace forewarm
