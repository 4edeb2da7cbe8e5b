#pragma once

#include <array>
#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/model/event.h"
#include "edge/history/history_database.h"
#include "edge/signal/span.h"

namespace forewarm {

/// A signal whose values are recorded: one that cannot be computed again, as a calendar can.
struct RecordedSignal {
  SignalId id;
  std::string name;
  bool counts = false;
  Duration hold = Duration(0);  ///< how long a level's value holds; 0: until the next one
};

/// What was recorded of a signal before the server started.
struct SignalPast {
  std::string name;
  std::vector<LevelChange> values;  ///< as it would have been told, ascending
  TimePoint until;                  ///< end of the newest interval that was recorded
};

/// What is to be written of one signal: intervals that have passed.
struct SignalBatch {
  std::string name;
  Duration step;
  std::vector<Measured<SignalMeasures>> rows;
  /// Values for intervals that are no longer in memory: they join what is written already.
  std::vector<Measured<SignalMeasures>> late;
  std::vector<Span> covered;  ///< by `rows`, and where a count was zero
};

/// Gathers what signals were said to be by intervals of the forecasts' step, for the history: from the stream
/// of events, so exactly what the core was told, a value for each quarter of a step.
///
/// An interval is given out once its time has passed, with the last value that was said for each time, and
/// again when something comes late for it. A level's time counts as measured where it has a value; a count's
/// from its first value on while the server runs, so that nothing is zero. Memory is bounded: values for what
/// has left it are given out apart.
class SignalHistory {
 public:
  explicit SignalHistory(Duration step);

  /// The signals that are recorded from now on. One that has another id than before began anew, and its
  /// source may be read again from its beginning: of a count, what is covered already is not counted twice.
  void configure(const std::vector<RecordedSignal>& signals, TimePoint now);
  /// A count has a past that ends at `until`: it is measured from its next configure() on, even before
  /// something comes.
  void know(const std::string& name, TimePoint until) { known_[name] = until; }
  /// Of a signal that is not recorded nothing is kept.
  void observe(const SignalObserved& said);
  /// What has to be written by `now`; about once a second. After a long pause the time since the last call is
  /// a gap: nobody was there to hear.
  std::vector<SignalBatch> take(TimePoint now);

  static constexpr std::size_t kIntervalsMax = 2048;  ///< of one signal, in memory: hours at the usual step

 private:
  static constexpr std::size_t kCells = 4;
  /// The value of each quarter, NaN where there is none.
  struct Interval {
    std::array<double, kCells> cells;
    bool changed = true;
  };
  using Intervals = std::map<TimePoint, Interval>;
  struct State {
    SignalId id;
    bool counts = false;
    Intervals intervals = {};
    Intervals leaving = {};                       ///< passed, changed, and no longer kept: to be given out
    Intervals late = {};                          ///< of the time that has left
    TimePoint left_until = {};                    ///< what is older than this has left the memory
    TimePoint counted_until = {};                 ///< of a count under an earlier id, or in its past
    std::optional<TimePoint> covered_until = {};  ///< of a count
    bool covering = false;                        ///< something before covered_until was given out
  };

  void say(State& state, Intervals& intervals, TimePoint start, const SignalObserved& said) const;
  void keep_bounded(State& state) const;
  SignalBatch give_out(const std::string& name, State& state, TimePoint passed, bool paused) const;
  TimePoint floored(TimePoint at) const { return at - at.time_since_epoch() % step_; }

  Duration step_;
  TimePoint now_;  ///< of the last take()
  std::map<std::string, State> states_;
  std::map<SignalId, State*> by_id_;
  std::map<std::string, TimePoint> known_;
};

/// All of it in one transaction, by a job of the history's thread.
Result<void> write_signals(HistoryDatabase& database, const std::vector<SignalBatch>& batches, TimePoint now);

/// What the database has of a signal in [from, to), for a grid of `step`: of an interval of a level its mean
/// at its beginning, as often as it takes to hold all the time; of a count its sum, and a zero where a time
/// that was measured begins. Intervals that are longer than a step are laid out evenly over their steps.
Result<SignalPast> read_signal_past(HistoryDatabase& database, const RecordedSignal& signal, TimePoint from,
                                    TimePoint to, Duration step);

}  // namespace forewarm
