#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/time.h"

namespace forewarm {

/// Regular bursts in a series, as a scheduled job or a timer sends them. Times are in steps, counted from the
/// first of the series.
struct BatchComb {
  static constexpr std::size_t kSizesKept = 24;
  static constexpr std::uint8_t kEveryDay = 0x7F;

  double period = 0;                  ///< steps between two bursts; whole unless they drift
  double next = 0;                    ///< when the first burst after the series is due
  std::array<double, 3> offsets{};    ///< how many came one step early, on time, one step late
  double came = 1;                    ///< share of the bursts that were due that came, lately
  std::uint8_t weekdays = kEveryDay;  ///< bit 0: Sunday
  std::vector<double> sizes;          ///< messages of a burst above the base, newest last; not empty
  double share = 0;                   ///< of all messages of the series that its bursts explain
  double log_odds = 0;  ///< of so many hits by chance, all combs tried taken into account; negative

  double typical_size() const;
  /// The burst that is due nearest to `step`.
  double due_near(double step) const;
  bool on_day(int day) const { return (weekdays >> day & 1) != 0; }
  /// Whether a burst may come in `step`: due within a step, on one of its days.
  bool is_due(double step, int day) const;
  /// Odds of a burst in `step`; `day` is its weekday, 0 for Sunday.
  double odds_at(double step, int day) const;

  static void fields(auto& comb, auto& archive) {
    archive(comb.period);
    archive(comb.next);
    archive(comb.offsets);
    archive(comb.came);
    archive(comb.weekdays);
    archive(comb.sizes);
    archive(comb.share);
    archive(comb.log_odds);
  }
  bool is_sound() const;
};

/// A median absolute deviation times this is four standard deviations of a normal variable.
inline constexpr double kBatchScatter = 4 * 1.4826;

/// The median, the upper one of two; reorders `values`, which must not be empty.
double median_of(std::vector<double>& values);

/// Weekday of a step, 0 for Sunday; `start` is the time of step 0.
int weekday_of(TimePoint start, Duration step, double at);

/// What a series would be without its bursts: above `base` by more than `limit` is a burst.
struct BatchBase {
  std::vector<double> base;
  std::vector<double> limit;
};

/// Medians of blocks, and what counts scatter around them.
BatchBase batch_base(std::span<const float> values);

}  // namespace forewarm
