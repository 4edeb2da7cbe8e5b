#include "edge/history/history_database.h"

#include <algorithm>
#include <filesystem>

#include "base/check.h"
#include "edge/sql/postgres_session.h"
#include "edge/sql/sqlite_session.h"

namespace forewarm {

namespace {

constexpr std::int64_t kApplication = 0x66777268;  // "fwrh"
constexpr std::int64_t kFormat = 1;
constexpr int kAttempts = 4;  ///< at a transaction that stands in another's way

/// What is remembered from one start to the next; the table of scalers is older than functions in it. Files
/// of before it was kept have no such tables.
std::vector<std::string> learnt_tables(const SqlDialect& dialect) {
  const std::string integer(dialect.integer), text(dialect.text);
  const std::string rest = "saved " + integer + " NOT NULL, version " + integer + " NOT NULL, memory " +
                           text + " NOT NULL)" + std::string(dialect.rowid_table);
  return {"CREATE TABLE IF NOT EXISTS scalers (series " + integer + " PRIMARY KEY REFERENCES series (id), " +
              rest,
          "CREATE TABLE IF NOT EXISTS memories (name " + text + " PRIMARY KEY, " + rest};
}

std::string joined_statements(const std::vector<std::string>& statements) {
  std::string all;
  for (const std::string& each : statements) all += each + ";";
  return all;
}

Result<std::unique_ptr<SqlSession>> open_file(const HistoryDatabase::Options& options) {
  return open_sqlite_session({.path = options.path,
                              .create = options.create,
                              .application = kApplication,
                              .format = kFormat,
                              .tables = joined_statements(HistoryTables::definitions(kSqliteDialect)),
                              .later = joined_statements(learnt_tables(kSqliteDialect))});
}

Result<std::unique_ptr<SqlSession>> open_shared(const HistoryDatabase::Options& options) {
  const HistoryDatabase::Shared& shared = *options.shared;
  std::vector<std::string> tables = HistoryTables::definitions(kPostgresDialect);
  tables.emplace_back(
      "CREATE TABLE targets (queue TEXT PRIMARY KEY, target TEXT NOT NULL, found BIGINT, told BIGINT, since "
      "BIGINT NOT NULL)");
  std::vector<std::string> later = learnt_tables(kPostgresDialect);
  later.emplace_back("ALTER TABLE targets ADD COLUMN beside BIGINT");
  return open_postgres_session({.url = shared.url,
                                .password_file = shared.password_file,
                                .called = shared.called,
                                .timeout = shared.timeout,
                                .stop = shared.stop,
                                .what = "history",
                                .create = options.create,
                                .format = kFormat,
                                .tables = std::move(tables),
                                .newest = "memories",
                                .later = std::move(later)});
}

}  // namespace

Result<std::unique_ptr<HistoryDatabase>> HistoryDatabase::open(const Options& options) {
  if (!options.shared && !options.create && !std::filesystem::exists(options.path)) {
    return error(ErrorCode::NotFound, options.path +
                                          " does not exist. Give --data the folder of a server that has run, "
                                          "or import a history into it first");
  }
  auto session = options.shared ? open_shared(options) : open_file(options);
  if (!session) return std::unexpected(session.error());
  std::unique_ptr<HistoryDatabase> database(new HistoryDatabase(options));
  database->session_ = std::move(*session);
  database->prepare();
  if (const SqlCode code = database->session_->prepare_code(); code != kSqlOk)
    return std::unexpected(database->failed(code, "opening"));
  return database;
}

void HistoryDatabase::prepare() {
  SqlSession& session = *session_;
  tables_.prepare(session);
  oldest_coverage_ = session.prepare("SELECT min(start) FROM coverage WHERE step < ?1");
  finer_coverage_ = session.prepare(
      "SELECT c.series, c.step, c.start, c.until FROM coverage c JOIN series s ON s.id = c.series WHERE "
      "s.kind = ?1 AND c.step < ?2 AND c.start < ?3 AND c.until > ?4 ORDER BY c.series, c.step, c.start");
  old_coverage_ = session.prepare("SELECT series, step, start, until FROM coverage WHERE start < ?1");
  all_coverage_ = session.prepare(
      "SELECT s.kind, s.name, c.step, c.start, c.until, s.id FROM series s JOIN coverage c ON c.series = "
      "s.id "
      "ORDER BY s.kind, s.name, c.step, c.start");
  recent_rows_ = session.prepare(
      "SELECT start, series, arrivals, bytes, service_seconds, service_times FROM queue_intervals WHERE step "
      "= ?1 AND start >= ?2 AND start < ?3");
  put_learnt_ = session.prepare(
      "INSERT INTO scalers (series, saved, version, memory) VALUES (?1, ?2, ?3, ?4) ON CONFLICT (series) DO "
      "UPDATE SET saved = excluded.saved, version = excluded.version, memory = excluded.memory");
  old_learnt_ = session.prepare("DELETE FROM scalers WHERE saved < ?1");
  all_learnt_ = session.prepare(
      "SELECT s.name, c.version, c.memory FROM scalers c JOIN series s ON s.id = c.series WHERE s.kind = "
      "?1 ORDER BY s.name");
  put_memory_ = session.prepare(
      "INSERT INTO memories (name, saved, version, memory) VALUES (?1, ?2, ?3, ?4) ON CONFLICT (name) DO "
      "UPDATE SET saved = excluded.saved, version = excluded.version, memory = excluded.memory");
  one_memory_ = session.prepare("SELECT version, memory FROM memories WHERE name = ?1");
  if (options_.shared) prepare_targets();
}

Result<void> HistoryDatabase::transaction(const std::function<SqlCode()>& work, const char* what) {
  SqlCode code = kSqlOk;
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    code = together_ ? kSqlOk : session_->begin();
    if (code == kSqlOk) code = work();
    if (code == kSqlOk && !together_) code = session_->commit();
    if (code == kSqlOk) return {};
    const Error why = failed(code, what);
    if (together_) return std::unexpected(why);
    session_->roll_back();
    tables_.forget();
    if (!session_->worth_again(code)) return std::unexpected(why);
  }
  return std::unexpected(failed(code, what));
}

Result<void> HistoryDatabase::together(const std::function<Result<void>()>& work) {
  if (const SqlCode code = session_->begin(); code != kSqlOk)
    return std::unexpected(failed(code, "writing to"));
  together_ = true;
  Result<void> done = work();
  together_ = false;
  if (done) {
    const SqlCode code = session_->commit();
    if (code == kSqlOk) return {};
    done = std::unexpected(failed(code, "writing to"));
  }
  session_->roll_back();
  tables_.forget();
  return done;
}

template <class M>
SqlCode HistoryDatabase::record_one(const HistoryBatch& batch, const NamedMeasures<M>& one) {
  SeriesNumber series = 0;
  if (const SqlCode code = tables_.series(kKindOf<M>, one.name, true, series); code != kSqlOk) return code;
  bool is_zero = true;
  describe(
      [&](std::string_view, Joined, const auto& value) {
        if constexpr (std::same_as<std::decay_t<decltype(value)>, double>)
          is_zero = is_zero && value == 0;
        else
          is_zero = is_zero && value.empty();
      },
      one.measures);
  const std::int64_t start = count_ms(batch.start);
  const std::int64_t step = count_ms(batch.step);
  if (!is_zero) {
    if (const SqlCode code = tables_.put(step, {start, series}, one.measures); code != kSqlOk) return code;
  }
  return tables_.cover(series, step, {start, start + step});
}

Result<void> HistoryDatabase::record(const HistoryBatch& batch) {
  check(batch.step >= 1ms && batch.start.time_since_epoch() % batch.step == Duration(0),
        "an interval begins at a multiple of its step");
  return transaction(
      [&] {
        SqlCode code = kSqlOk;
        const auto record_all = [&]<class M>(const std::vector<NamedMeasures<M>>& list) {
          std::vector<std::string_view> names;
          names.reserve(list.size());
          for (const auto& one : list) names.push_back(one.name);
          if (code == kSqlOk) code = tables_.make_series(kKindOf<M>, names);
          for (const auto& one : list) {
            if (code == kSqlOk) code = record_one(batch, one);
          }
        };
        record_all(batch.queues);
        record_all(batch.functions);
        record_all(batch.signals);
        return code;
      },
      "writing to");
}

/// A step that divides the tiers' steps (or is a multiple of them) can be joined to theirs.
Result<void> HistoryDatabase::check_step(Duration step) const {
  if (step < 1ms || step % 1ms != Duration(0))
    return error(ErrorCode::Invalid, "an interval is at least a millisecond and a whole number of them");
  for (const Tier& tier : options_.tiers) {
    const bool fits = step <= tier.step ? tier.step % step == Duration(0) : step % tier.step == Duration(0);
    // What is coarser than the first grid need not fit it.
    if (fits || (&tier == options_.tiers.data() && step > tier.step)) continue;
    std::string steps;
    for (const Tier& each : options_.tiers)
      steps += (steps.empty() ? "" : ", ") + std::to_string(seconds(each.step));
    return error(ErrorCode::Invalid,
                 "intervals of " + std::to_string(seconds(step)) +
                     " s can not be joined to those that are kept longer (" + steps +
                     " s). Choose a --step that divides them, for example 10s, 1m, 5m or 1h");
  }
  return {};
}

template <class M>
Result<Filled> HistoryDatabase::fill(const std::string& name, Duration step,
                                     std::span<const Measured<M>> rows, std::span<const Span> covered,
                                     TimePoint now, bool replace) {
  if (Result<void> fits = check_step(step); !fits) return std::unexpected(fits.error());
  const std::int64_t width = count_ms(step);
  SpanSet wanted;
  for (const Span& span : covered) {
    if (widened(span, width) != span)
      return error(ErrorCode::Invalid,
                   "an interval of '" + name + "' does not start at a multiple of its step");
    wanted.add(span);
  }
  Filled filled;
  const auto leave_out = [&](Span span, std::uint64_t& count) {
    count += static_cast<std::uint64_t>(wanted.overlap(span) / width);
    wanted.remove(span);
  };
  constexpr std::int64_t kEver = std::int64_t{1} << 60;
  const Span kept = widened({count_ms(now - options_.tiers.back().keep), count_ms(now) - width + 1}, width);
  leave_out({-kEver, kept.start}, filled.too_old);
  leave_out({kept.until, kEver}, filled.future);
  const auto work = [&, all = wanted, before = filled] {
    wanted = all;
    filled = before;
    SeriesNumber series = 0;
    std::map<std::int64_t, SpanSet> there;
    SqlCode code = tables_.series(kKindOf<M>, name, !wanted.empty(), series);
    if (code == kSqlOk && series != 0) code = tables_.coverage(series, there);
    for (const auto& [other_step, spans] : there) {
      if (replace && other_step <= width) continue;
      for (const Span& span : spans.spans()) leave_out(widened(span, width), filled.present);
    }
    for (const auto& [other_step, spans] : there) {
      if (!replace || other_step > width) continue;
      for (const Span& span : wanted.spans()) {
        if (code == kSqlOk && spans.overlap(span) > 0) code = tables_.remove<M>(other_step, span, series);
        if (code == kSqlOk) code = tables_.uncover(series, other_step, span);
      }
    }
    for (const Measured<M>& row : rows) {
      const std::int64_t start = count_ms(row.start);
      if (code == kSqlOk && wanted.overlap({start, start + width}) == width)
        code = tables_.put(width, {start, series}, row.measures);
    }
    for (const Span& span : wanted.spans()) {
      if (code == kSqlOk) code = tables_.cover(series, width, span);
      filled.added += static_cast<std::uint64_t>(span.length() / width);
    }
    return code;
  };
  if (Result<void> written = transaction(work, "writing to"); !written)
    return std::unexpected(written.error());
  return filled;
}

template <class M>
Result<void> HistoryDatabase::read(const std::string& name, TimePoint from, TimePoint to,
                                   const std::function<void(const Measured<M>&)>& take) {
  SeriesNumber series = 0;
  SqlCode code = tables_.series(kKindOf<M>, name, false, series);
  if (code == kSqlOk && series != 0) {
    Measured<M> one;
    std::int64_t start = 0, step = 0;
    tables_.begin_read<M>(series, {count_ms(from), count_ms(to)});
    while (tables_.next_read(start, step, one.measures)) {
      one.start = time_point_ms(start);
      one.step = duration_ms(step);
      take(one);
    }
    code = tables_.code();
  }
  if (code != kSqlOk) return std::unexpected(failed(code, "reading"));
  return {};
}

Result<std::vector<SeriesSummary>> HistoryDatabase::list() {
  std::vector<SeriesSummary> found;
  SeriesNumber last = 0;
  while (all_coverage_->next()) {
    const TimePoint start = time_point_ms(all_coverage_->integer(3));
    const TimePoint until = time_point_ms(all_coverage_->integer(4));
    if (all_coverage_->integer(5) != last) {
      last = all_coverage_->integer(5);
      const auto kind = std::ranges::find(kSeriesKinds, all_coverage_->text(0)) - kSeriesKinds.begin();
      found.push_back({static_cast<SeriesKind>(std::min<std::ptrdiff_t>(kind, 2)),
                       std::string(all_coverage_->text(1)),
                       start,
                       until,
                       Duration(0),
                       {}});
    }
    SeriesSummary& summary = found.back();
    summary.first = std::min(summary.first, start);
    summary.until = std::max(summary.until, until);
    summary.measured += until - start;
    const Duration step = duration_ms(all_coverage_->integer(2));
    if (summary.steps.empty() || summary.steps.back() != step) summary.steps.push_back(step);
  }
  if (all_coverage_->code() != kSqlOk) return std::unexpected(failed(all_coverage_->code(), "reading"));
  return found;
}

#define FOREWARM_DATABASE(M)                                                                               \
  template Result<Filled> HistoryDatabase::fill<M>(                                                        \
      const std::string&, Duration, std::span<const Measured<M>>, std::span<const Span>, TimePoint, bool); \
  template Result<void> HistoryDatabase::read<M>(const std::string&, TimePoint, TimePoint,                 \
                                                 const std::function<void(const Measured<M>&)>&);
FOREWARM_DATABASE(QueueMeasures)
FOREWARM_DATABASE(FunctionMeasures)
FOREWARM_DATABASE(SignalMeasures)
#undef FOREWARM_DATABASE

}  // namespace forewarm
