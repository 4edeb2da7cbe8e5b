#include "edge/history/history_tables.h"

#include <algorithm>

namespace forewarm {

namespace {

template <class M>
constexpr std::string_view kTable = "queue_intervals";
template <>
constexpr std::string_view kTable<FunctionMeasures> = "function_intervals";
template <>
constexpr std::string_view kTable<SignalMeasures> = "signal_intervals";

template <class T>
constexpr bool kIsNumber = std::same_as<std::decay_t<T>, double>;

/// "arrivals, bytes, ...", each with what comes before and after it.
template <class M, class Around>
std::string columns(const Around& around) {
  std::string list;
  M any{};
  describe(
      [&](std::string_view name, Joined, const auto& value) {
        if (!list.empty()) list += ", ";
        list += around(std::string(name), kIsNumber<decltype(value)>);
      },
      any);
  return list;
}

template <class M>
std::string columns(const char* before = "") {
  return columns<M>([before](const std::string& name, bool) { return before + name; });
}

template <class M>
int column_count() {
  int count = 0;
  M any{};
  describe([&](std::string_view, Joined, const auto&) { ++count; }, any);
  return count;
}

/// A table, and a view of it with names and times for people.
template <class M>
void define(const SqlDialect& dialect, std::vector<std::string>& all) {
  const std::string table(kTable<M>), integer(dialect.integer);
  const std::string kind(kSeriesKinds[static_cast<std::size_t>(kKindOf<M>)]);
  const auto typed = [&dialect](const std::string& name, bool number) {
    return name + " " + std::string(number ? dialect.real : dialect.text);
  };
  all.push_back("CREATE TABLE " + table + " (step " + integer + " NOT NULL, start " + integer +
                " NOT NULL, series " + integer + " NOT NULL REFERENCES series (id), " + columns<M>(typed) +
                ", PRIMARY KEY (step, start, series))" + std::string(dialect.key_table));
  all.push_back("CREATE VIEW " + kind + "_history AS SELECT s.name AS " + kind + ", " +
                std::string(dialect.time) + " AS time, i.step / 1000.0 AS step_seconds, " + columns<M>("i.") +
                " FROM " + table + " i JOIN series s ON s.id = i.series");
}

/// Spans of a series do not meet: of those that begin before a moment, only the last can reach it.
#define FOREWARM_LAST_BEFORE \
  "(SELECT max(start) FROM coverage WHERE series = ?1 AND step = ?2 AND start < ?3)"

/// What touches the new span is joined to it, in the row of whichever begins first; then the others go.
constexpr const char* kCover[] = {
    "INSERT INTO coverage (series, step, start, until) SELECT ?1, ?2, CASE WHEN min(start) < ?3 THEN "
    "min(start) ELSE ?3 END, CASE WHEN max(until) > ?4 THEN max(until) ELSE ?4 END FROM coverage WHERE "
    "series = ?1 AND step = ?2 AND start <= ?4 AND until >= ?3 AND start >= coalesce(" FOREWARM_LAST_BEFORE
    ", ?3) ON CONFLICT (series, step, start) DO UPDATE SET until = excluded.until",
    "DELETE FROM coverage WHERE series = ?1 AND step = ?2 AND start <= ?4 AND start > coalesce((SELECT start "
    "FROM coverage WHERE series = ?1 AND step = ?2 AND until >= ?4 AND start = " FOREWARM_LAST_BEFORE
    "), "
    "?3)"};
/// What reaches beyond the span stays: first what comes after it, last what comes before.
constexpr const char* kUncover[] = {
    "INSERT INTO coverage (series, step, start, until) SELECT series, step, ?4, until FROM coverage WHERE "
    "series = ?1 AND step = ?2 AND start < ?4 AND until > ?4 AND start >= coalesce(" FOREWARM_LAST_BEFORE
    ", ?3)",
    "DELETE FROM coverage WHERE series = ?1 AND step = ?2 AND start >= ?3 AND start < ?4",
    "UPDATE coverage SET until = ?3 WHERE series = ?1 AND step = ?2 AND until > ?3 AND start "
    "= " FOREWARM_LAST_BEFORE};
#undef FOREWARM_LAST_BEFORE

/// The intervals that are covered, from and until a moment.
constexpr const char* kMeasured =
    "WITH RECURSIVE measured (step, start, until) AS (SELECT step, CASE WHEN start > ?2 THEN start ELSE (?2 "
    "+ step - 1) / step * step END, CASE WHEN until < ?3 THEN until ELSE ?3 END FROM coverage WHERE series = "
    "?1 AND until > ?2 AND start < ?3 UNION ALL SELECT step, start + step, until FROM measured WHERE start + "
    "step < until) ";

}  // namespace

std::vector<std::string> HistoryTables::definitions(const SqlDialect& dialect) {
  const std::string integer(dialect.integer), text(dialect.text);
  std::vector<std::string> all;
  all.push_back("CREATE TABLE series (id " + std::string(dialect.number) + ", kind " + text +
                " NOT NULL, name " + text + " NOT NULL, UNIQUE (kind, name))" +
                std::string(dialect.rowid_table));
  all.push_back("CREATE TABLE coverage (series " + integer + " NOT NULL REFERENCES series (id), step " +
                integer + " NOT NULL, start " + integer + " NOT NULL, until " + integer +
                " NOT NULL, PRIMARY KEY (series, step, start))" + std::string(dialect.key_table));
  define<QueueMeasures>(dialect, all);
  define<FunctionMeasures>(dialect, all);
  define<SignalMeasures>(dialect, all);
  return all;
}

template <class M>
void HistoryTables::prepare_rows(SqlSession& session) {
  const std::string table(kTable<M>);
  std::string values = "?1, ?2, ?3";
  for (int i = 0; i < column_count<M>(); ++i) values += ", ?" + std::to_string(i + 4);
  const std::string all = columns<M>();
  const std::string renewed =
      columns<M>([](const std::string& name, bool) { return name + " = excluded." + name; });
  Rows<M>& of = rows<M>();
  of.put = session.prepare("INSERT INTO " + table + " (step, start, series, " + all + ") VALUES (" + values +
                           ") ON CONFLICT (step, start, series) DO UPDATE SET " + renewed);
  of.read = session.prepare(kMeasured + ("SELECT m.step, m.start, i.start, " + columns<M>("i.")) +
                            " FROM measured m LEFT JOIN " + table +
                            " i ON i.step = m.step AND i.start = m.start AND i.series = ?1 WHERE m.start < "
                            "m.until ORDER BY m.start");
  of.scan = session.prepare("SELECT start, series, " + all + " FROM " + table +
                            " WHERE step = ?1 AND start >= ?2 AND start < ?3 ORDER BY start, series");
  of.remove = session.prepare("DELETE FROM " + table + " WHERE step = ?1 AND start >= ?2 AND start < ?3");
  of.remove_one = session.prepare("DELETE FROM " + table +
                                  " WHERE step = ?1 AND start >= ?2 AND start < ?3 AND series = ?4");
  of.next_step = session.prepare("SELECT step FROM " + table + " WHERE step > ?1 ORDER BY step LIMIT 1");
}

void HistoryTables::prepare(SqlSession& session) {
  find_series_ = session.prepare("SELECT id FROM series WHERE kind = ?1 AND name = ?2");
  all_series_ = session.prepare("SELECT name, id FROM series WHERE kind = ?1");
  add_series_ =
      session.prepare("INSERT INTO series (kind, name) VALUES (?1, ?2) ON CONFLICT (kind, name) DO NOTHING");
  read_all_coverage_ =
      session.prepare("SELECT step, start, until FROM coverage WHERE series = ?1 ORDER BY step, start");
  std::ranges::transform(kCover, cover_.begin(), [&](const char* sql) { return session.prepare(sql); });
  std::ranges::transform(kUncover, uncover_.begin(), [&](const char* sql) { return session.prepare(sql); });
  prepare_rows<QueueMeasures>(session);
  prepare_rows<FunctionMeasures>(session);
  prepare_rows<SignalMeasures>(session);
}

SqlCode HistoryTables::series(SeriesKind kind, std::string_view name, bool make, SeriesNumber& number) {
  const auto known = numbers_.find(std::pair(kind, std::string(name)));
  if (known != numbers_.end()) {
    number = known->second;
    return kSqlOk;
  }
  number = 0;
  const std::string_view kind_name = kSeriesKinds[static_cast<std::size_t>(kind)];
  for (const bool added : {false, true}) {
    find_series_->bind_text(1, kind_name).bind_text(2, name);
    if (find_series_->next()) {
      number = find_series_->integer(0);
      find_series_->reset();
      numbers_[std::pair(kind, std::string(name))] = number;
      return kSqlOk;
    }
    if (find_series_->code() != kSqlOk || !make || added) return find_series_->code();
    if (const SqlCode code = add_series_->bind_text(1, kind_name).bind_text(2, name).run(); code != kSqlOk)
      return code;
  }
  return kSqlOk;
}

SqlCode HistoryTables::make_series(SeriesKind kind, std::span<const std::string_view> names) {
  const std::string_view kind_name = kSeriesKinds[static_cast<std::size_t>(kind)];
  bool missing = false;
  for (const std::string_view name : names) {
    if (numbers_.contains(std::pair(kind, std::string(name)))) continue;
    missing = true;
    if (const SqlCode code = add_series_->bind_text(1, kind_name).bind_text(2, name).run(); code != kSqlOk)
      return code;
  }
  if (!missing) return kSqlOk;
  all_series_->bind_text(1, kind_name);
  while (all_series_->next())
    numbers_[std::pair(kind, std::string(all_series_->text(0)))] = all_series_->integer(1);
  return all_series_->code();
}

template <class M>
SqlCode HistoryTables::put(std::int64_t step, Row row, const M& measures) {
  SqlStatement& put = *rows<M>().put;
  put.bind(1, step).bind(2, row.start).bind(3, row.series);
  int position = 4;
  std::string text;
  describe(
      [&](std::string_view, Joined, const auto& value) {
        if constexpr (kIsNumber<decltype(value)>)
          put.bind(position++, value);
        else
          put.bind_text(position++, text = value.text());
      },
      measures);
  return put.run();
}

template <class M>
void HistoryTables::read_measures(const SqlStatement& row, int column, M& measures) {
  describe(
      [&](std::string_view, Joined, auto& value) {
        if constexpr (kIsNumber<decltype(value)>) {
          value = row.is_null(column) ? kNotMeasured : row.real(column);
        } else {
          Result<ServiceTimes> read = ServiceTimes::parse(row.text(column));
          if (read)
            value = std::move(*read);
          else
            code_ = kSqlCorrupt;
        }
        ++column;
      },
      measures);
}

template <class M>
void HistoryTables::begin_read(SeriesNumber series, Span span) {
  rows<M>().read->reset();
  rows<M>().read->bind(1, series).bind(2, span.start).bind(3, span.until);
  code_ = kSqlOk;
}

template <class M>
bool HistoryTables::next_read(std::int64_t& start, std::int64_t& step, M& measures) {
  SqlStatement& read = *rows<M>().read;
  if (code_ != kSqlOk || !read.next()) {
    if (code_ == kSqlOk) code_ = read.code();
    read.reset();
    return false;
  }
  step = read.integer(0);
  start = read.integer(1);
  measures = M{};
  if (!read.is_null(2)) read_measures(read, 3, measures);
  return code_ == kSqlOk;
}

template <class M>
void HistoryTables::begin_scan(std::int64_t step, Span span) {
  rows<M>().scan->reset();
  rows<M>().scan->bind(1, step).bind(2, span.start).bind(3, span.until);
  code_ = kSqlOk;
}

template <class M>
bool HistoryTables::next(Row& row, M& measures) {
  SqlStatement& scan = *rows<M>().scan;
  if (code_ != kSqlOk || !scan.next()) {
    if (code_ == kSqlOk) code_ = scan.code();
    scan.reset();
    return false;
  }
  row = {scan.integer(0), scan.integer(1)};
  read_measures(scan, 2, measures);
  return code_ == kSqlOk;
}

template <class M>
SqlCode HistoryTables::remove(std::int64_t step, Span span) {
  return rows<M>().remove->bind(1, step).bind(2, span.start).bind(3, span.until).run();
}

template <class M>
SqlCode HistoryTables::remove(std::int64_t step, Span span, SeriesNumber series) {
  return rows<M>().remove_one->bind(1, step).bind(2, span.start).bind(3, span.until).bind(4, series).run();
}

template <class M>
std::int64_t HistoryTables::step_above(std::int64_t step) {
  SqlStatement& next_step = *rows<M>().next_step;
  next_step.bind(1, step);
  const bool found = next_step.next();
  const std::int64_t above = found ? next_step.integer(0) : 0;
  code_ = next_step.code();
  if (found) {
    code_ = kSqlOk;
    next_step.reset();
  }
  return above;
}

SqlCode HistoryTables::coverage(SeriesNumber series, std::map<std::int64_t, SpanSet>& out) {
  read_all_coverage_->bind(1, series);
  while (read_all_coverage_->next()) {
    out[read_all_coverage_->integer(0)].add({read_all_coverage_->integer(1), read_all_coverage_->integer(2)});
  }
  return read_all_coverage_->code();
}

SqlCode HistoryTables::cover(SeriesNumber series, std::int64_t step, Span span) {
  for (const auto& part : cover_) {
    const SqlCode code = part->bind(1, series).bind(2, step).bind(3, span.start).bind(4, span.until).run();
    if (code != kSqlOk) return code;
  }
  return kSqlOk;
}

SqlCode HistoryTables::uncover(SeriesNumber series, std::int64_t step, Span span) {
  for (const auto& part : uncover_) {
    const SqlCode code = part->bind(1, series).bind(2, step).bind(3, span.start).bind(4, span.until).run();
    if (code != kSqlOk) return code;
  }
  return kSqlOk;
}

#define FOREWARM_TABLE(M)                                                      \
  template SqlCode HistoryTables::put<M>(std::int64_t, Row, const M&);         \
  template void HistoryTables::begin_read<M>(SeriesNumber, Span);              \
  template bool HistoryTables::next_read<M>(std::int64_t&, std::int64_t&, M&); \
  template void HistoryTables::begin_scan<M>(std::int64_t, Span);              \
  template bool HistoryTables::next<M>(Row&, M&);                              \
  template SqlCode HistoryTables::remove<M>(std::int64_t, Span);               \
  template SqlCode HistoryTables::remove<M>(std::int64_t, Span, SeriesNumber); \
  template std::int64_t HistoryTables::step_above<M>(std::int64_t);
FOREWARM_TABLE(QueueMeasures)
FOREWARM_TABLE(FunctionMeasures)
FOREWARM_TABLE(SignalMeasures)
#undef FOREWARM_TABLE

}  // namespace forewarm
