// Joins what is old to coarser intervals, and removes what is too old.

#include <algorithm>
#include <array>
#include <map>
#include <vector>

#include "edge/history/history_database.h"

namespace forewarm {

namespace {

constexpr int kBucketsPerCall = 8;

/// What one series has in the bucket that its intervals are joined to.
template <class M>
struct Parts {
  struct Part {
    std::int64_t start = 0;
    std::int64_t length = 0;
    M measures{};
  };
  std::int64_t measured = 0;
  std::vector<Part> rows;

  M joined(std::int64_t length) {
    std::ranges::sort(rows, {}, &Part::start);
    Joining<M> joining;
    for (const Part& part : rows) joining.add(part.measures, part.length);
    return joining.whole(length, measured);
  }
};

}  // namespace

template <class M>
SqlCode HistoryDatabase::join(std::int64_t to_step, Span bucket) {
  struct Finer {
    SeriesNumber series;
    std::int64_t step;
    Span span;
  };
  std::vector<Finer> finer;
  std::map<SeriesNumber, Parts<M>> series;
  const auto kind = static_cast<std::size_t>(kKindOf<M>);
  finer_coverage_->bind_text(1, kSeriesKinds[kind])
      .bind(2, to_step)
      .bind(3, bucket.until)
      .bind(4, bucket.start);
  while (finer_coverage_->next()) {
    const Span span{finer_coverage_->integer(2), finer_coverage_->integer(3)};
    finer.push_back({finer_coverage_->integer(0), finer_coverage_->integer(1), clipped(span, bucket)});
    series[finer.back().series].measured += finer.back().span.length();
  }
  SqlCode code = finer_coverage_->code();
  for (std::int64_t step = tables_.step_above<M>(0); code == kSqlOk && step > 0 && step < to_step;
       step = tables_.step_above<M>(step)) {
    tables_.begin_scan<M>(step, bucket);
    HistoryTables::Row row;
    M measures{};
    while (tables_.next(row, measures)) series[row.series].rows.push_back({row.start, step, measures});
    code = tables_.code();
    if (code == kSqlOk) code = tables_.remove<M>(step, bucket);
  }
  for (const Finer& each : finer) {
    if (code == kSqlOk) code = tables_.uncover(each.series, each.step, each.span);
  }
  for (auto& [number, parts] : series) {
    // A signal's value stands for its time; of counts, too small a part must not stand for the whole.
    const bool enough = kKindOf<M> == SeriesKind::Signal || 2 * parts.measured >= bucket.length();
    if (code != kSqlOk || !enough || parts.measured == 0) continue;
    if (!parts.rows.empty())
      code = tables_.put(to_step, {bucket.start, number}, parts.joined(bucket.length()));
    if (code == kSqlOk) code = tables_.cover(number, to_step, bucket);
  }
  return code;
}

/// The oldest bucket that ends at or before `before`.
SqlCode HistoryDatabase::join_oldest(std::int64_t to_step, std::int64_t before, bool& joined) {
  oldest_coverage_->bind(1, to_step);
  const bool any = oldest_coverage_->next() && !oldest_coverage_->is_null(0);
  const std::int64_t oldest = any ? oldest_coverage_->integer(0) : 0;
  oldest_coverage_->reset();
  const Span bucket = widened({oldest, oldest + 1}, to_step);
  joined = any && bucket.until <= before;
  if (!joined) return kSqlOk;
  SqlCode code = join<QueueMeasures>(to_step, bucket);
  if (code == kSqlOk) code = join<FunctionMeasures>(to_step, bucket);
  if (code == kSqlOk) code = join<SignalMeasures>(to_step, bucket);
  return code;
}

SqlCode HistoryDatabase::remove_before(std::int64_t before, bool& removed) {
  struct Old {
    SeriesNumber series;
    std::int64_t step;
    Span span;
  };
  std::vector<Old> olds;
  old_coverage_->bind(1, before);
  while (old_coverage_->next()) {
    const std::int64_t step = old_coverage_->integer(1);
    const Span span{old_coverage_->integer(2), old_coverage_->integer(3)};
    olds.push_back({old_coverage_->integer(0), step,
                    clipped(span, {span.start, widened({before, before}, step).until})});
  }
  SqlCode code = old_coverage_->code();
  removed = !olds.empty();
  for (const Old& old : olds) {
    if (code == kSqlOk) code = tables_.uncover(old.series, old.step, old.span);
  }
  if (!removed) return code;
  constexpr std::int64_t kEver = std::int64_t{1} << 60;
  const auto remove_rows = [&]<class M>(const M&) {
    for (std::int64_t step = tables_.step_above<M>(0); code == kSqlOk && step > 0;
         step = tables_.step_above<M>(step)) {
      code = tables_.remove<M>(step, {-kEver, before});
    }
  };
  remove_rows(QueueMeasures{});
  remove_rows(FunctionMeasures{});
  remove_rows(SignalMeasures{});
  if (code == kSqlOk) code = old_learnt_->bind(1, before).run();
  return code;
}

Result<bool> HistoryDatabase::thin_out(TimePoint now) {
  const std::vector<Tier>& tiers = options_.tiers;
  int left = kBucketsPerCall;
  for (std::size_t i = 0; i + 1 < tiers.size(); ++i) {
    const std::int64_t before = count_ms(now - tiers[i].keep);
    bool joined = true;
    while (joined) {
      if (left-- == 0) return true;
      const auto work = [&] { return join_oldest(count_ms(tiers[i + 1].step), before, joined); };
      if (Result<void> done = transaction(work, "thinning out"); !done) return std::unexpected(done.error());
    }
  }
  bool removed = false;
  const auto work = [&] { return remove_before(count_ms(now - tiers.back().keep), removed); };
  if (Result<void> done = transaction(work, "thinning out"); !done) return std::unexpected(done.error());
  return false;
}

}  // namespace forewarm
