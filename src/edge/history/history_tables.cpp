#include "edge/history/history_tables.h"

#include <initializer_list>

namespace forewarm {

using sqlite::Code;
using sqlite::kOk;

namespace {

constexpr Code kCorruptRow = 11;  // SQLITE_CORRUPT

template <class M>
constexpr std::string_view kTable = "queue_intervals";
template <>
constexpr std::string_view kTable<FunctionMeasures> = "function_intervals";
template <>
constexpr std::string_view kTable<SignalMeasures> = "signal_intervals";

template <class T>
constexpr bool kIsNumber = std::same_as<std::decay_t<T>, double>;

/// "arrivals REAL, bytes REAL, ..." or, without types, "arrivals, bytes, ...".
template <class M>
std::string columns(bool with_types, std::string_view before = {}) {
  std::string list;
  M any{};
  describe(
      [&](std::string_view name, Joined, const auto& value) {
        if (!list.empty()) list += ", ";
        list += std::string(before) + std::string(name);
        if (with_types) list += kIsNumber<decltype(value)> ? " REAL" : " TEXT";
      },
      any);
  return list;
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
std::string definition() {
  const std::string table(kTable<M>);
  const std::string kind(kSeriesKinds[static_cast<std::size_t>(kKindOf<M>)]);
  return "CREATE TABLE " + table +
         " (step INTEGER NOT NULL, start INTEGER NOT NULL, series INTEGER NOT NULL REFERENCES series (id), " +
         columns<M>(true) + ", PRIMARY KEY (step, start, series)) STRICT, WITHOUT ROWID;" + "CREATE VIEW " +
         kind + "_history AS SELECT s.name AS " + kind +
         ", strftime('%Y-%m-%dT%H:%M:%fZ', i.start / 1000.0, 'unixepoch') AS time, i.step / 1000.0 AS "
         "step_seconds, " +
         columns<M>(false, "i.") + " FROM " + table + " i JOIN series s ON s.id = i.series;";
}

}  // namespace

Code HistoryTables::create(sqlite::Connection& connection) {
  const std::string sql =
      "BEGIN IMMEDIATE; PRAGMA application_id = 1719104104; PRAGMA user_version = 1;"
      "CREATE TABLE series (id INTEGER PRIMARY KEY, kind TEXT NOT NULL, name TEXT NOT NULL, UNIQUE (kind, "
      "name)) STRICT;"
      "CREATE TABLE coverage (series INTEGER NOT NULL REFERENCES series (id), step INTEGER NOT NULL, start "
      "INTEGER NOT NULL, until INTEGER NOT NULL, PRIMARY KEY (series, step, start)) STRICT, WITHOUT ROWID;" +
      definition<QueueMeasures>() + definition<FunctionMeasures>() + definition<SignalMeasures>() + "COMMIT";
  return connection.execute(sql.c_str());
}

template <class M>
Code HistoryTables::prepare_rows(const sqlite::Connection& connection) {
  const std::string table(kTable<M>);
  std::string values = "?, ?, ?";
  for (int i = 0; i < column_count<M>(); ++i) values += ", ?";
  const std::string all = columns<M>(false);
  const std::pair<sqlite::Statement*, std::string> statements[] = {
      {&rows<M>().put,
       "INSERT OR REPLACE INTO " + table + " (step, start, series, " + all + ") VALUES (" + values + ")"},
      {&rows<M>().find, "SELECT " + all + " FROM " + table + " WHERE step = ? AND start = ? AND series = ?"},
      {&rows<M>().scan, "SELECT start, series, " + all + " FROM " + table +
                            " WHERE step = ? AND start >= ? AND start < ? ORDER BY start, series"},
      {&rows<M>().remove, "DELETE FROM " + table + " WHERE step = ? AND start >= ? AND start < ?"},
      {&rows<M>().remove_one,
       "DELETE FROM " + table + " WHERE step = ? AND start >= ? AND start < ? AND series = ?"},
      {&rows<M>().next_step, "SELECT step FROM " + table + " WHERE step > ? ORDER BY step LIMIT 1"}};
  for (const auto& [statement, sql] : statements) {
    if (const Code code = statement->prepare(connection, sql.c_str()); code != kOk) return code;
  }
  return kOk;
}

Code HistoryTables::prepare(const sqlite::Connection& connection) {
  connection_ = &connection;
  const std::pair<sqlite::Statement*, const char*> statements[] = {
      {&find_series_, "SELECT id FROM series WHERE kind = ? AND name = ?"},
      {&add_series_, "INSERT INTO series (kind, name) VALUES (?, ?)"},
      {&extend_coverage_,
       "UPDATE coverage SET until = ?4 WHERE series = ?1 AND step = ?2 AND until = ?3 AND start = (SELECT "
       "max(start) FROM coverage WHERE series = ?1 AND step = ?2)"},
      {&read_near_coverage_,
       "SELECT start, until FROM coverage WHERE series = ?1 AND step = ?2 AND start <= ?4 AND start >= "
       "coalesce((SELECT max(start) FROM coverage WHERE series = ?1 AND step = ?2 AND start < ?3), ?3) ORDER "
       "BY start"},
      {&read_all_coverage_, "SELECT step, start, until FROM coverage WHERE series = ? ORDER BY step, start"},
      {&remove_coverage_, "DELETE FROM coverage WHERE series = ? AND step = ? AND start = ?"},
      {&add_coverage_, "INSERT INTO coverage (series, step, start, until) VALUES (?, ?, ?, ?)"}};
  for (const auto& [statement, sql] : statements) {
    if (const Code code = statement->prepare(connection, sql); code != kOk) return code;
  }
  for (const Code code : {prepare_rows<QueueMeasures>(connection), prepare_rows<FunctionMeasures>(connection),
                          prepare_rows<SignalMeasures>(connection)}) {
    if (code != kOk) return code;
  }
  return kOk;
}

Code HistoryTables::series(SeriesKind kind, std::string_view name, bool make, SeriesNumber& number) {
  const auto known = numbers_.find(std::pair(kind, std::string(name)));
  if (known != numbers_.end()) {
    number = known->second;
    return kOk;
  }
  number = 0;
  const std::string_view kind_name = kSeriesKinds[static_cast<std::size_t>(kind)];
  for (const bool added : {false, true}) {
    find_series_.bind_text(1, kind_name).bind_text(2, name);
    if (find_series_.next()) {
      number = find_series_.integer(0);
      find_series_.reset();
      numbers_[std::pair(kind, std::string(name))] = number;
      return kOk;
    }
    if (find_series_.code() != kOk || !make || added) return find_series_.code();
    if (const Code code = add_series_.bind_text(1, kind_name).bind_text(2, name).run(); code != kOk)
      return code;
  }
  return kOk;
}

template <class M>
Code HistoryTables::put(std::int64_t step, Row row, const M& measures) {
  sqlite::Statement& put = rows<M>().put;
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
void HistoryTables::read_measures(const sqlite::Statement& row, int column, M& measures) {
  describe(
      [&](std::string_view, Joined, auto& value) {
        if constexpr (kIsNumber<decltype(value)>) {
          value = row.is_null(column) ? kNotMeasured : row.real(column);
        } else {
          Result<ServiceTimes> read = ServiceTimes::parse(row.bytes(column));
          if (read)
            value = std::move(*read);
          else
            code_ = kCorruptRow;
        }
        ++column;
      },
      measures);
}

template <class M>
bool HistoryTables::find(std::int64_t step, Row row, M& measures) {
  sqlite::Statement& find = rows<M>().find;
  find.bind(1, step).bind(2, row.start).bind(3, row.series);
  const bool found = find.next();
  code_ = find.code();
  if (!found) return false;
  code_ = kOk;
  read_measures(find, 0, measures);
  find.reset();
  return true;
}

template <class M>
void HistoryTables::begin_scan(std::int64_t step, Span span) {
  rows<M>().scan.reset();
  rows<M>().scan.bind(1, step).bind(2, span.start).bind(3, span.until);
  code_ = kOk;
}

template <class M>
bool HistoryTables::next(Row& row, M& measures) {
  sqlite::Statement& scan = rows<M>().scan;
  if (code_ != kOk || !scan.next()) {
    if (code_ == kOk) code_ = scan.code();
    scan.reset();
    return false;
  }
  row = {scan.integer(0), scan.integer(1)};
  read_measures(scan, 2, measures);
  return code_ == kOk;
}

template <class M>
Code HistoryTables::remove(std::int64_t step, Span span) {
  return rows<M>().remove.bind(1, step).bind(2, span.start).bind(3, span.until).run();
}

template <class M>
Code HistoryTables::remove(std::int64_t step, Span span, SeriesNumber series) {
  return rows<M>().remove_one.bind(1, step).bind(2, span.start).bind(3, span.until).bind(4, series).run();
}

template <class M>
std::int64_t HistoryTables::step_above(std::int64_t step) {
  sqlite::Statement& next_step = rows<M>().next_step;
  next_step.bind(1, step);
  const bool found = next_step.next();
  const std::int64_t above = found ? next_step.integer(0) : 0;
  code_ = next_step.code();
  if (found) {
    code_ = kOk;
    next_step.reset();
  }
  return above;
}

Code HistoryTables::coverage(SeriesNumber series, std::map<std::int64_t, SpanSet>& out) {
  read_all_coverage_.bind(1, series);
  while (read_all_coverage_.next()) {
    out[read_all_coverage_.integer(0)].add({read_all_coverage_.integer(1), read_all_coverage_.integer(2)});
  }
  return read_all_coverage_.code();
}

Code HistoryTables::cover(SeriesNumber series, std::int64_t step, Span span) {
  // What a running server measures follows what it measured before.
  extend_coverage_.bind(1, series).bind(2, step).bind(3, span.start).bind(4, span.until);
  if (const Code code = extend_coverage_.run(); code != kOk) return code;
  if (connection_->changes() > 0) return kOk;
  return change_coverage(series, step, span, &SpanSet::add);
}

Code HistoryTables::uncover(SeriesNumber series, std::int64_t step, Span span) {
  return change_coverage(series, step, span, &SpanSet::remove);
}

/// Only what touches `span` is read and written: a signal with a value now and then has thousands of spans.
Code HistoryTables::change_coverage(SeriesNumber series, std::int64_t step, Span span,
                                    void (SpanSet::*change)(Span)) {
  SpanSet near;
  read_near_coverage_.bind(1, series).bind(2, step).bind(3, span.start).bind(4, span.until);
  while (read_near_coverage_.next())
    near.add({read_near_coverage_.integer(0), read_near_coverage_.integer(1)});
  if (read_near_coverage_.code() != kOk) return read_near_coverage_.code();
  for (const Span& old : near.spans()) {
    const Code code = remove_coverage_.bind(1, series).bind(2, step).bind(3, old.start).run();
    if (code != kOk) return code;
  }
  (near.*change)(span);
  for (const Span& changed : near.spans()) {
    add_coverage_.bind(1, series).bind(2, step).bind(3, changed.start).bind(4, changed.until);
    if (const Code code = add_coverage_.run(); code != kOk) return code;
  }
  return kOk;
}

#define FOREWARM_TABLE(M)                                                   \
  template Code HistoryTables::put<M>(std::int64_t, Row, const M&);         \
  template bool HistoryTables::find<M>(std::int64_t, Row, M&);              \
  template void HistoryTables::begin_scan<M>(std::int64_t, Span);           \
  template bool HistoryTables::next<M>(Row&, M&);                           \
  template Code HistoryTables::remove<M>(std::int64_t, Span);               \
  template Code HistoryTables::remove<M>(std::int64_t, Span, SeriesNumber); \
  template std::int64_t HistoryTables::step_above<M>(std::int64_t);
FOREWARM_TABLE(QueueMeasures)
FOREWARM_TABLE(FunctionMeasures)
FOREWARM_TABLE(SignalMeasures)
#undef FOREWARM_TABLE

}  // namespace forewarm
