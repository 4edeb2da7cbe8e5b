#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/time.h"
#include "sim/ledger.h"

namespace forewarm {

/// The smallest k with P(X <= k) >= level, where X counts the successes of so many independent trials. Exact
/// to double precision in O(sqrt(trials)). `probability` and `level` are in [0, 1].
std::uint64_t binomial_quantile(std::uint64_t trials, double probability, double level);

/// The objective as a contract over some time: at most `tolerance` times the late share, and what chance
/// brings beyond it (95 %, one-sided).
struct LateContract {
  double late_share = 0.01;
  double tolerance = 1.2;

  std::uint64_t allowed(std::uint64_t messages) const;
};

/// Over a queue's days.
struct ContractDays {
  std::size_t days = 0, kept = 0;  ///< of days with messages
  std::size_t worst = 0;           ///< index of the day with the most late messages for what is allowed
  std::uint64_t worst_messages = 0, worst_late = 0, worst_allowed = 0;

  /// Late messages for one that is allowed, on the worst day: above 1 where the contract is broken. One more
  /// on either side, so that none allowed is a number too.
  double worst_excess() const {
    return static_cast<double>(worst_late + 1) / static_cast<double>(worst_allowed + 1);
  }
};
ContractDays contract_days(const LateContract& contract, std::span<const TimelineBucket> days);

/// Sums of `each` columns in a row. What is left at the end is a block of its own, or joins the last one
/// where it is less than half of one.
std::vector<TimelineBucket> blocks_of(std::span<const TimelineBucket> columns, std::size_t each);

inline constexpr std::size_t kBootstrapBlocksLeast = 5;

/// The longest of a day, an hour and ten minutes of which a bootstrap has enough blocks; else ten minutes.
/// Shorter blocks are less independent, so that intervals come out too narrow.
Duration bootstrap_block(Duration length);

/// One block of time under two policies.
struct PairedBlock {
  TimelineBucket ours, theirs;
};
struct Interval {
  double low = 0, high = 0;
};
struct PairedIntervals {
  Interval cost_ratio;       ///< of instance-seconds, ours / theirs
  Interval late_difference;  ///< of late shares, ours - theirs
};

/// 95 % percentile intervals of a paired bootstrap by blocks (Kuensch, Annals of Statistics 1989, without
/// overlap): blocks are drawn with replacement, the same ones for both policies, `resamples` times. None with
/// fewer than kBootstrapBlocksLeast blocks, or where theirs has no instance-seconds at all.
std::optional<PairedIntervals> paired_block_bootstrap(std::span<const PairedBlock> blocks,
                                                      std::size_t resamples = 2000, std::uint64_t seed = 1);

/// One setting of a policy: what it cost and how late it was.
struct FrontPoint {
  double instance_seconds = 0;
  double late_share = 0;  ///< above 0
};

/// The late share that a policy would have at that cost: between the settings that were run, the logarithm of
/// the late share is linear in the instance-seconds. None outside them.
std::optional<double> late_share_at(std::vector<FrontPoint> front, double instance_seconds);

}  // namespace forewarm
