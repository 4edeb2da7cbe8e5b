#include "app/signal_history.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/check.h"

namespace forewarm {
namespace {

/// As of the queues' intervals: after a longer pause nobody knows what came.
constexpr int kPauseSteps = 8;
constexpr Duration kPause = 10s;

SignalMeasures measures_of(std::span<const double> cells) {
  SignalMeasures measures;
  double sum = 0;
  for (const double value : cells) {
    if (std::isnan(value)) continue;
    measures.least = measures.count == 0 ? value : std::min(measures.least, value);
    measures.most = measures.count == 0 ? value : std::max(measures.most, value);
    measures.last = value;
    measures.count += 1;
    sum += value;
  }
  if (measures.count > 0) measures.mean = sum / measures.count;
  return measures;
}

Span span_from(TimePoint start, Duration step) {
  return {count_ms(start), count_ms(start + step)};
}

/// `row` with what is written of its time.
Result<Measured<SignalMeasures>> joined_to_written(HistoryDatabase& database, const std::string& name,
                                                   const Measured<SignalMeasures>& row) {
  Joining<SignalMeasures> joining;
  const std::int64_t length = count_ms(row.step);
  const auto take = [&](const Measured<SignalMeasures>& written) {
    if (written.measures.count > 0 && written.step <= row.step)
      joining.add(written.measures, count_ms(written.step));
  };
  const Result<void> read = database.read<SignalMeasures>(name, row.start, row.start + row.step, take);
  if (!read) return std::unexpected(read.error());
  joining.add(row.measures, length);
  return Measured<SignalMeasures>{row.start, row.step, joining.whole(length, length)};
}

}  // namespace

SignalHistory::SignalHistory(Duration step) : step_(step) {
  check(step >= 1ms, "an interval of a history takes a millisecond at least");
}

void SignalHistory::configure(const std::vector<RecordedSignal>& signals, TimePoint now) {
  by_id_.clear();
  std::map<std::string, State> before = std::exchange(states_, {});
  for (const RecordedSignal& signal : signals) {
    const auto old = before.find(signal.name);
    const bool goes_on = old != before.end() && old->second.counts == signal.counts;
    State& state = states_[signal.name];
    if (goes_on) state = std::move(old->second);
    if (goes_on && state.id != signal.id && state.counts && state.covered_until) {
      state.counted_until = *state.covered_until;
      state.intervals.erase(state.intervals.lower_bound(*state.covered_until), state.intervals.end());
    }
    state.id = signal.id;
    state.counts = signal.counts;
    if (const auto known = known_.find(signal.name); signal.counts && known != known_.end()) {
      state.counted_until = known->second;
      state.covered_until = std::max(floored(now) + step_, known->second);
      state.covering = true;
    }
    by_id_[signal.id] = &state;
  }
  known_.clear();
}

void SignalHistory::observe(const SignalObserved& said) {
  const auto found = by_id_.find(said.signal);
  if (found == by_id_.end() || !std::isfinite(said.value)) return;
  State& state = *found->second;
  const TimePoint start = floored(said.at);
  if (state.counts) {
    if (said.at < state.counted_until) return;
    const bool earlier = state.covered_until && !state.covering && start < *state.covered_until;
    if (!state.covered_until || earlier) state.covered_until = start;
  }
  say(state, start < state.left_until ? state.late : state.intervals, start, said);
  keep_bounded(state);
}

void SignalHistory::say(State& state, Intervals& intervals, TimePoint start,
                        const SignalObserved& said) const {
  constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
  Interval& interval = intervals.try_emplace(start, Interval{{kNone, kNone, kNone, kNone}}).first->second;
  const auto cell = static_cast<std::size_t>((said.at - start) * static_cast<Duration::rep>(kCells) / step_);
  double& value = interval.cells[std::min(cell, kCells - 1)];
  value = state.counts && !std::isnan(value) ? value + said.value : said.value;
  interval.changed = true;
}

void SignalHistory::keep_bounded(State& state) const {
  while (state.intervals.size() > kIntervalsMax) {
    auto oldest = state.intervals.extract(state.intervals.begin());
    state.left_until = oldest.key() + step_;
    if (oldest.mapped().changed) state.leaving.insert(std::move(oldest));
  }
  // Far more than is told in the second between two calls of take().
  for (Intervals* given_soon : {&state.leaving, &state.late}) {
    if (given_soon->size() > 16 * kIntervalsMax) given_soon->erase(given_soon->begin());
  }
}

SignalBatch SignalHistory::give_out(const std::string& name, State& state, TimePoint passed,
                                    bool paused) const {
  SignalBatch batch{.name = name, .step = step_, .rows = {}, .late = {}, .covered = {}};
  SpanSet covered;
  const auto give = [&](TimePoint start, const Interval& interval) {
    batch.rows.push_back({start, step_, measures_of(interval.cells)});
    covered.add(span_from(start, step_));
  };
  for (const auto& [start, interval] : std::exchange(state.leaving, {})) give(start, interval);
  for (auto& [start, interval] : state.intervals) {
    if (start + step_ > passed) break;
    if (std::exchange(interval.changed, false)) give(start, interval);
  }
  for (const auto& [start, interval] : std::exchange(state.late, {}))
    batch.late.push_back({start, step_, measures_of(interval.cells)});
  if (state.covered_until && *state.covered_until < passed) {
    if (!paused || !state.covering) covered.add({count_ms(*state.covered_until), count_ms(passed)});
    state.covered_until = passed;
    state.covering = true;
  }
  batch.covered = covered.spans();
  return batch;
}

std::vector<SignalBatch> SignalHistory::take(TimePoint now) {
  const bool paused = now_ != TimePoint() && now - now_ > std::max<Duration>(kPause, kPauseSteps * step_);
  now_ = now;
  std::vector<SignalBatch> batches;
  for (auto& [name, state] : states_) {
    SignalBatch batch = give_out(name, state, floored(now), paused);
    if (!batch.covered.empty() || !batch.late.empty()) batches.push_back(std::move(batch));
  }
  return batches;
}

Result<void> write_signals(HistoryDatabase& database, const std::vector<SignalBatch>& batches,
                           TimePoint now) {
  return database.together([&]() -> Result<void> {
    for (const SignalBatch& batch : batches) {
      if (!batch.covered.empty()) {
        const auto filled =
            database.fill<SignalMeasures>(batch.name, batch.step, batch.rows, batch.covered, now, true);
        if (!filled) return std::unexpected(filled.error());
      }
      for (const Measured<SignalMeasures>& late : batch.late) {
        const auto row = joined_to_written(database, batch.name, late);
        if (!row) return std::unexpected(row.error());
        const Span span = span_from(row->start, row->step);
        const auto filled = database.fill<SignalMeasures>(batch.name, row->step, std::span(&*row, 1),
                                                          std::span(&span, 1), now, true);
        if (!filled) return std::unexpected(filled.error());
      }
    }
    return {};
  });
}

Result<SignalPast> read_signal_past(HistoryDatabase& database, const RecordedSignal& signal, TimePoint from,
                                    TimePoint to, Duration step) {
  SignalPast past{.name = signal.name, .values = {}, .until = {}};
  const bool holds = signal.hold == Duration(0) || signal.hold >= step;
  const Duration every = signal.counts || holds ? step : std::max<Duration>(step / 4, 1ms);
  const auto take = [&](const Measured<SignalMeasures>& row) {
    const bool after_gap = row.start > past.until;
    past.until = std::max(past.until, row.start + row.step);
    if (row.measures.count == 0 && signal.counts && after_gap) past.values.push_back({row.start, 0});
    if (!(row.measures.count > 0) || !std::isfinite(row.measures.mean)) return;
    const Duration::rep parts = std::max<Duration::rep>(1, row.step / every);
    const double sum = row.measures.count * row.measures.mean;
    const double value = signal.counts ? sum / static_cast<double>(parts) : row.measures.mean;
    for (Duration::rep part = 0; part < parts; ++part)
      past.values.push_back({row.start + every * part, value});
  };
  if (Result<void> read = database.read<SignalMeasures>(signal.name, from, to, take); !read)
    return std::unexpected(read.error());
  return past;
}

}  // namespace forewarm
