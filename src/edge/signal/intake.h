#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <limits>
#include <map>
#include <set>
#include <span>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "edge/signal/json_points.h"
#include "edge/signal/span.h"

namespace forewarm {

/// What becomes of a value that came. The first three are taken.
enum class Verdict : std::uint8_t {
  InOrder,
  OutOfOrder,  ///< older than the newest, but not too old
  Revised,     ///< another value for a time that had one: a newer forecast, a correction
  Duplicate,   ///< sent again
  Late,        ///< older than anything that is kept
  Future,      ///< ahead of the clock, of a signal of which only the past is known; or too far ahead
  NotANumber,  ///< NaN or infinite
  OutOfRange,  ///< outside what the signal's settings allow, or absurd
  Full,        ///< too many future values are waiting
  Malformed,   ///< no value or time could be read
};
inline constexpr std::array<std::string_view, 10> kVerdictNames = {
    "in_order", "out_of_order", "revised",      "duplicate", "late",
    "future",   "not_a_number", "out_of_range", "full",      "malformed"};
static_assert(static_cast<std::size_t>(Verdict::Malformed) + 1 == kVerdictNames.size());
constexpr bool is_taken(Verdict verdict) {
  return verdict <= Verdict::Revised;
}

struct IntakeSettings {
  bool counts = false;        ///< values of one time add up; else the newest holds
  bool future_known = false;  ///< values ahead of the clock are forecasts or plans, not mistakes
  double minimum = -kAbsurd;
  double maximum = kAbsurd;
  Duration keep = 24h;              ///< older values are late
  Duration cell = Duration(0);      ///< what lies in one multiple of this is told as one; 0: all is told
  std::size_t past_max = 4096;      ///< values of the past that are kept for comparison
  std::size_t future_max = 50'000;  ///< of the future
  std::size_t ids_max = 8192;       ///< ids of values sent, for finding those sent again

  /// No signal that helps a forecast is this large; a sum of squares of such values still is a double.
  static constexpr double kAbsurd = 1e15;
  /// Clocks of machines disagree by this much.
  static constexpr Duration kClockSkew = 1min;
  static constexpr Duration kAheadMax = 24h * 400;
};

/// Checks the values of one signal, one by one, and keeps what the core is to learn later: a forecast for
/// next week need not be told now. Bounded, whatever comes.
class SignalIntake {
 public:
  explicit SignalIntake(IntakeSettings settings) : settings_(settings) {}

  Verdict take(const Observation& observation, TimePoint now);
  /// Counts items that could not even be read.
  void count_malformed(std::size_t items) { counts_[static_cast<std::size_t>(Verdict::Malformed)] += items; }
  /// What was taken, is not after `until`, and was not drained before; oldest first, at most `most`. Values
  /// in one cell are one at its beginning: a level's newest, a count's sum.
  std::vector<LevelChange> drain(TimePoint until, std::size_t most = 10'000);
  /// What drain() would give by and by.
  std::vector<LevelChange> waiting() const;
  /// Something else than take() has told the core this; it is remembered to be shown.
  void note(const LevelChange& told, TimePoint now);
  /// What was recorded before this was made, ascending, and until when. A value that comes again replaces a
  /// level's; a count has all of that time in it, so whatever comes for it is a duplicate.
  void restore(std::span<const LevelChange> values, TimePoint until, TimePoint now);

  std::uint64_t count(Verdict verdict) const { return counts_[static_cast<std::size_t>(verdict)]; }
  /// The newest values up to `now` and the next ones after it, oldest first: at most so many of each.
  std::vector<LevelChange> around(TimePoint now, std::size_t past, std::size_t future);
  const IntakeSettings& settings() const { return settings_; }

 private:
  using Values = std::map<TimePoint, double>;

  Verdict judge(const Observation& observation, TimePoint now);
  bool sent_before(const std::string& id);
  void pass_time(TimePoint now);
  Values& values_at(TimePoint at, TimePoint now) { return at <= now ? past_ : future_; }

  IntakeSettings settings_;
  Values past_;                              ///< up to the clock
  Values future_;                            ///< ahead of it
  std::map<TimePoint, LevelChange> untold_;  ///< by the beginning of their cells
  TimePoint restored_until_;
  std::set<std::size_t> ids_;  ///< hashes
  std::deque<std::size_t> ids_in_order_;
  std::array<std::uint64_t, kVerdictNames.size()> counts_{};
};

/// Tells the core a level that follows a plan (a calendar), and corrects what it was told when the plan
/// changes.
class PlanFeed {
 public:
  /// The changes to tell, given what holds in [plan.front().at, to). Ascending.
  std::vector<LevelChange> tell(const std::vector<LevelChange>& plan, TimePoint to);

 private:
  std::map<TimePoint, double> told_;
};

}  // namespace forewarm
