#include "edge/history/history_database.h"

#include <algorithm>
#include <filesystem>

#include "base/check.h"

namespace forewarm {

using sqlite::Code;
using sqlite::kOk;

namespace {

constexpr std::int64_t kApplication = 0x66777268;  // "fwrh"
constexpr std::int64_t kFormat = 1;

}  // namespace

Result<std::unique_ptr<HistoryDatabase>> HistoryDatabase::open(const Options& options) {
  if (!options.create && !std::filesystem::exists(options.path)) {
    return error(ErrorCode::NotFound, options.path +
                                          " does not exist. Give --data the folder of a server that has run, "
                                          "or import a history into it first");
  }
  std::unique_ptr<HistoryDatabase> database(new HistoryDatabase(options));
  sqlite::Connection& connection = database->connection_;
  const auto failed = [&](Code code) {
    return std::unexpected(sqlite::to_error(code, "opening", options.path));
  };
  if (const Code code = connection.open(options.path, nullptr, options.create); code != kOk)
    return failed(code);
  if (const Code code = connection.execute("PRAGMA busy_timeout = 5000"); code != kOk) return failed(code);
  const Result<bool> known = sqlite::is_known(connection, options.path, kApplication, kFormat);
  if (!known) {
    connection.forbid_checkpoint_on_close();
    return std::unexpected(known.error());
  }
  Code code = connection.execute(
      "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA secure_delete = OFF; PRAGMA cache_size "
      "= -8192; PRAGMA temp_store = MEMORY; PRAGMA cell_size_check = ON; PRAGMA journal_size_limit = "
      "16777216");
  // Another process may be making the tables at this moment.
  if (code == kOk && !*known) {
    code = database->tables_.create(connection);
    if (code != kOk) {
      (void)connection.execute("ROLLBACK");
      const Result<bool> made = sqlite::is_known(connection, options.path, kApplication, kFormat);
      if (made && *made) code = kOk;
    }
  }
  if (code == kOk) code = database->tables_.prepare(connection);
  if (code == kOk) code = database->prepare_scalers();
  if (code == kOk) code = database->prepare_retries();
  const std::pair<sqlite::Statement*, const char*> statements[] = {
      {&database->begin_, "BEGIN IMMEDIATE"},
      {&database->commit_, "COMMIT"},
      {&database->roll_back_, "ROLLBACK"},
      {&database->oldest_coverage_, "SELECT min(start) FROM coverage WHERE step < ?"},
      {&database->finer_coverage_,
       "SELECT c.series, c.step, c.start, c.until FROM coverage c JOIN series s ON s.id = c.series WHERE "
       "s.kind = ? AND c.step < ? AND c.start < ? AND c.until > ? ORDER BY c.series, c.step, c.start"},
      {&database->old_coverage_, "SELECT series, step, start, until FROM coverage WHERE start < ?"},
      {&database->all_coverage_,
       "SELECT s.kind, s.name, c.step, c.start, c.until, s.id FROM series s JOIN coverage c ON c.series = "
       "s.id "
       "ORDER BY s.kind, s.name, c.step, c.start"}};
  for (const auto& [statement, sql] : statements) {
    if (code == kOk) code = statement->prepare(connection, sql);
  }
  if (code != kOk) return failed(code);
  return database;
}

Result<void> HistoryDatabase::transaction(const std::function<Code()>& work, const char* what) {
  Code code = together_ ? kOk : begin_.run();
  if (code == kOk) code = work();
  if (code == kOk && !together_) code = commit_.run();
  if (code == kOk) return {};
  if (together_) return std::unexpected(sqlite::to_error(code, what, options_.path));
  (void)roll_back_.run();
  tables_.forget();
  return std::unexpected(sqlite::to_error(code, what, options_.path));
}

Result<void> HistoryDatabase::together(const std::function<Result<void>()>& work) {
  const auto broken = [this](Code code) {
    return std::unexpected(sqlite::to_error(code, "writing to", options_.path));
  };
  if (const Code code = begin_.run(); code != kOk) return broken(code);
  together_ = true;
  Result<void> done = work();
  together_ = false;
  if (done) {
    const Code code = commit_.run();
    if (code == kOk) return {};
    done = broken(code);
  }
  (void)roll_back_.run();
  tables_.forget();
  return done;
}

template <class M>
Code HistoryDatabase::record_one(const HistoryBatch& batch, const NamedMeasures<M>& one) {
  SeriesNumber series = 0;
  if (const Code code = tables_.series(kKindOf<M>, one.name, true, series); code != kOk) return code;
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
    if (const Code code = tables_.put(step, {start, series}, one.measures); code != kOk) return code;
  }
  return tables_.cover(series, step, {start, start + step});
}

Result<void> HistoryDatabase::record(const HistoryBatch& batch) {
  check(batch.step >= 1ms && batch.start.time_since_epoch() % batch.step == Duration(0),
        "an interval begins at a multiple of its step");
  return transaction(
      [&] {
        Code code = kOk;
        const auto record_all = [&](const auto& list) {
          for (const auto& one : list) {
            if (code == kOk) code = record_one(batch, one);
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
  const auto work = [&] {
    SeriesNumber series = 0;
    std::map<std::int64_t, SpanSet> there;
    Code code = tables_.series(kKindOf<M>, name, !wanted.empty(), series);
    if (code == kOk && series != 0) code = tables_.coverage(series, there);
    for (const auto& [other_step, spans] : there) {
      if (replace && other_step <= width) continue;
      for (const Span& span : spans.spans()) leave_out(widened(span, width), filled.present);
    }
    for (const auto& [other_step, spans] : there) {
      if (!replace || other_step > width) continue;
      for (const Span& span : wanted.spans()) {
        if (code == kOk && spans.overlap(span) > 0) code = tables_.remove<M>(other_step, span, series);
        if (code == kOk) code = tables_.uncover(series, other_step, span);
      }
    }
    for (const Measured<M>& row : rows) {
      const std::int64_t start = count_ms(row.start);
      if (code == kOk && wanted.overlap({start, start + width}) == width)
        code = tables_.put(width, {start, series}, row.measures);
    }
    for (const Span& span : wanted.spans()) {
      if (code == kOk) code = tables_.cover(series, width, span);
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
  std::map<std::int64_t, SpanSet> coverage;
  Code code = tables_.series(kKindOf<M>, name, false, series);
  if (code == kOk && series != 0) code = tables_.coverage(series, coverage);
  std::vector<std::pair<Span, std::int64_t>> stretches;
  for (const auto& [step, spans] : coverage) {
    for (const Span& span : spans.spans()) {
      const Span part = clipped(span, {widened({count_ms(from), count_ms(from)}, step).until, count_ms(to)});
      if (part.length() > 0) stretches.emplace_back(part, step);
    }
  }
  std::ranges::sort(stretches, {}, [](const auto& stretch) { return stretch.first.start; });
  for (const auto& [span, step] : stretches) {
    for (std::int64_t start = span.start; start < span.until && code == kOk; start += step) {
      M measures{};
      (void)tables_.find(step, {start, series}, measures);
      code = tables_.code();
      if (code == kOk) take({time_point_ms(start), duration_ms(step), std::move(measures)});
    }
  }
  if (code != kOk) return std::unexpected(sqlite::to_error(code, "reading", options_.path));
  return {};
}

Result<std::vector<SeriesSummary>> HistoryDatabase::list() {
  std::vector<SeriesSummary> found;
  SeriesNumber last = 0;
  while (all_coverage_.next()) {
    const TimePoint start = time_point_ms(all_coverage_.integer(3));
    const TimePoint until = time_point_ms(all_coverage_.integer(4));
    if (all_coverage_.integer(5) != last) {
      last = all_coverage_.integer(5);
      const auto kind = std::ranges::find(kSeriesKinds, all_coverage_.bytes(0)) - kSeriesKinds.begin();
      found.push_back({static_cast<SeriesKind>(std::min<std::ptrdiff_t>(kind, 2)),
                       std::string(all_coverage_.bytes(1)),
                       start,
                       until,
                       Duration(0),
                       {}});
    }
    SeriesSummary& summary = found.back();
    summary.first = std::min(summary.first, start);
    summary.until = std::max(summary.until, until);
    summary.measured += until - start;
    const Duration step = duration_ms(all_coverage_.integer(2));
    if (summary.steps.empty() || summary.steps.back() != step) summary.steps.push_back(step);
  }
  if (all_coverage_.code() != kOk)
    return std::unexpected(sqlite::to_error(all_coverage_.code(), "reading", options_.path));
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
