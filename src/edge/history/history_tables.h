#pragma once

#include <array>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "edge/history/measures.h"
#include "edge/history/span_set.h"
#include "edge/sql/sql.h"

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

/// The tables of the history and the statements that touch them, the same in SQLite and PostgreSQL;
/// docs/formats/history.md describes them for people. Times are milliseconds.
///
/// Intervals are kept in the order of time, not of series: a server that writes ten thousand queues then
/// appends to one place instead of ten thousand, old intervals go as one stretch, and a restart reads the
/// newest day in one go. One series is read by looking its intervals up one by one.
class HistoryTables {
 public:
  /// Of one table, for one of the three kinds.
  template <class M>
  struct Rows {
    std::unique_ptr<SqlStatement> put;
    std::unique_ptr<SqlStatement> read;
    std::unique_ptr<SqlStatement> scan;
    std::unique_ptr<SqlStatement> remove;
    std::unique_ptr<SqlStatement> remove_one;
    std::unique_ptr<SqlStatement> next_step;
  };
  struct Row {
    std::int64_t start = 0;
    SeriesNumber series = 0;
  };

  /// What makes them, a statement each.
  static std::vector<std::string> definitions(const SqlDialect& dialect);

  void prepare(SqlSession& session);
  /// Forgets what is remembered of the file, after a transaction that was rolled back.
  void forget() { numbers_.clear(); }

  /// The number of a series; 0 if it has none and `make` is false.
  SqlCode series(SeriesKind kind, std::string_view name, bool make, SeriesNumber& number);
  /// Makes those that are missing, all at a time.
  SqlCode make_series(SeriesKind kind, std::span<const std::string_view> names);

  template <class M>
  SqlCode put(std::int64_t step, Row row, const M& measures);
  /// All that was measured of one series in intervals that begin in `span`, in the order of time; false after
  /// the last. Measures of zero where there is no row. begin_read, then next_read until it is false.
  template <class M>
  void begin_read(SeriesNumber series, Span span);
  template <class M>
  bool next_read(std::int64_t& start, std::int64_t& step, M& measures);
  /// Rows of [span.start, span.until) in the order of time: begin_scan, then next until it is false.
  template <class M>
  void begin_scan(std::int64_t step, Span span);
  template <class M>
  bool next(Row& row, M& measures);
  template <class M>
  SqlCode remove(std::int64_t step, Span span);
  template <class M>
  SqlCode remove(std::int64_t step, Span span, SeriesNumber series);
  /// The least step above `step` that has rows; 0 if there is none.
  template <class M>
  std::int64_t step_above(std::int64_t step);

  /// What was measured of one series, on every grid: step to spans.
  SqlCode coverage(SeriesNumber series, std::map<std::int64_t, SpanSet>& out);
  SqlCode cover(SeriesNumber series, std::int64_t step, Span span);
  SqlCode uncover(SeriesNumber series, std::int64_t step, Span span);

  /// Of the last read: kSqlOk, what the database said, or kSqlCorrupt when a row is not what was written.
  SqlCode code() const { return code_; }

 private:
  template <class M>
  void prepare_rows(SqlSession& session);
  template <class M>
  Rows<M>& rows() {
    return std::get<Rows<M>>(rows_);
  }
  template <class M>
  void read_measures(const SqlStatement& row, int column, M& measures);

  std::tuple<Rows<QueueMeasures>, Rows<FunctionMeasures>, Rows<SignalMeasures>> rows_;
  std::unique_ptr<SqlStatement> find_series_, all_series_, add_series_, read_all_coverage_;
  std::array<std::unique_ptr<SqlStatement>, 2> cover_;
  std::array<std::unique_ptr<SqlStatement>, 3> uncover_;
  std::map<std::pair<SeriesKind, std::string>, SeriesNumber, std::less<>> numbers_;
  SqlCode code_ = kSqlOk;
};

}  // namespace forewarm
