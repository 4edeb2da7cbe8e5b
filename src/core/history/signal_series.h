#pragma once

#include <cstddef>
#include <deque>
#include <optional>
#include <span>
#include <vector>

#include "base/time.h"
#include "core/model/settings.h"

namespace forewarm {

/// What was said of one external series, and of its future where that is known: for putting it beside a
/// queue's history, step by step.
///
/// Values come in any order and at any times, while a fit wants one number a step; what lies nearer to each
/// other than a quarter of a step is one value (a level's newest, a count's sum), so that a source that never
/// stops talking takes no more memory than one that talks four times a step. Later values for a time replace
/// earlier ones of a level: forecasts are revised, and what was forecast becomes what was.
class SignalSeries {
 public:
  struct Options {
    SignalKind kind = SignalKind::Level;
    Duration holds = Duration(0);    ///< as SignalSettings
    Duration step = 10s;             ///< of the history that it is put beside
    std::size_t past_steps = 8640;   ///< older values are forgotten, but for the one that holds at that time
    std::size_t future_steps = 240;  ///< values further ahead make room for nearer ones

    friend bool operator==(const Options&, const Options&) = default;
  };
  explicit SignalSeries(const Options& options);

  /// A value that is not finite is none. Returns whether it says what was not said before.
  bool observe(TimePoint at, double value, TimePoint now);
  /// One value a step for `count` steps from `start` on: of a level the mean over the step, of a count the
  /// sum. NaN where that is not known: before the first value; of a level, where more than half of the step
  /// lies more than `holds` after a value; of a count, from `passed` on, but for what was said of that time
  /// (nothing said of a time that has passed is zero, of one to come it is nothing known).
  std::vector<float> aligned(TimePoint start, std::size_t count, TimePoint passed) const;
  /// The `count` steps before `end`, which has passed. Kept until something is said: thousands of
  /// queues are fitted beside the same past. Holds until the next call.
  std::span<const float> past(TimePoint end, std::size_t count);

  /// What it says of `now`: of a level the value that holds, of a count the sum of the step that ends then.
  /// None where that is not known.
  std::optional<double> latest(TimePoint now) const;

  /// The same with steps that are `factor` times as long, for a coarser history: to be read, since what is
  /// said later may not fit in.
  SignalSeries coarser(std::size_t factor) const;
  /// The same with room for values `steps` ahead, where it has less.
  SignalSeries with_future(std::size_t steps) const;

  std::size_t size() const { return points_.size(); }
  const Options& options() const { return options_; }

 private:
  struct Point {
    TimePoint at;
    double value = 0;
  };

  void forget(TimePoint now);
  std::vector<float> levels(TimePoint start, std::size_t count) const;
  std::vector<float> counts(TimePoint start, std::size_t count, TimePoint passed) const;

  Options options_;
  Duration cell_;
  std::deque<Point> points_;  ///< ascending, one a cell
  std::vector<float> past_;   ///< steps before past_end_; empty: to be made again
  TimePoint past_end_;
};

}  // namespace forewarm
