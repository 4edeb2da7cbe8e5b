#include "sim/comparison.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/random.h"

namespace forewarm {
namespace {

constexpr double kChance = 0.95;
constexpr double kTail = 0.025;  // on either side of an interval
constexpr double kNegligible = 1e-18;

double ratio_of(double ours, double theirs) {
  if (theirs > 0) return ours / theirs;
  return ours > 0 ? std::numeric_limits<double>::infinity() : 1;
}

double late_share_of(const TimelineBucket& sum) {
  return sum.arrivals == 0 ? 0 : static_cast<double>(sum.late) / static_cast<double>(sum.arrivals);
}

Interval percentile_interval(std::vector<double> values) {
  std::ranges::sort(values);
  const auto last = static_cast<double>(values.size() - 1);
  return {values[static_cast<std::size_t>(std::floor(kTail * last))],
          values[static_cast<std::size_t>(std::ceil((1 - kTail) * last))]};
}

}  // namespace

std::uint64_t binomial_quantile(std::uint64_t trials, double probability, double level) {
  if (trials == 0 || probability <= 0) return 0;
  if (probability >= 1) return trials;
  // Weights relative to the mode's: no factorial, and what is negligible is never reached.
  const double odds = probability / (1 - probability);
  const auto n = static_cast<double>(trials);
  const auto mode = std::min(trials, static_cast<std::uint64_t>((n + 1) * probability));
  std::vector<double> down;  // from mode - 1 on
  double weight = 1, total = 1;
  for (std::uint64_t k = mode; k > 0 && weight > kNegligible; --k) {
    weight *= static_cast<double>(k) / (static_cast<double>(trials - k + 1) * odds);
    down.push_back(weight);
    total += weight;
  }
  std::vector<double> up = {1};  // from the mode on
  weight = 1;
  for (std::uint64_t k = mode; k < trials && weight > kNegligible; ++k) {
    weight *= static_cast<double>(trials - k) * odds / static_cast<double>(k + 1);
    up.push_back(weight);
    total += weight;
  }
  double below = 0;
  for (std::size_t i = down.size(); i-- > 0;) {
    below += down[i];
    if (below >= level * total) return mode - i - 1;
  }
  for (std::size_t i = 0; i < up.size(); ++i) {
    below += up[i];
    if (below >= level * total) return mode + i;
  }
  return mode + up.size() - 1;
}

std::uint64_t LateContract::allowed(std::uint64_t messages) const {
  return binomial_quantile(messages, std::min(1.0, tolerance * late_share), kChance);
}

ContractDays contract_days(const LateContract& contract, std::span<const TimelineBucket> days) {
  ContractDays all;
  for (std::size_t i = 0; i < days.size(); ++i) {
    if (days[i].arrivals == 0) continue;
    const ContractDays day{.worst = i,
                           .worst_messages = days[i].arrivals,
                           .worst_late = days[i].late,
                           .worst_allowed = contract.allowed(days[i].arrivals)};
    const std::size_t count = all.days + 1;
    const std::size_t kept = all.kept + (day.worst_late <= day.worst_allowed ? 1 : 0);
    if (all.days == 0 || day.worst_excess() > all.worst_excess()) all = day;
    all.days = count;
    all.kept = kept;
  }
  return all;
}

std::vector<TimelineBucket> blocks_of(std::span<const TimelineBucket> columns, std::size_t each) {
  std::vector<TimelineBucket> blocks;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    const bool begins = i % each == 0;
    const bool joins = !blocks.empty() && 2 * (columns.size() - i) < each;
    if (begins && !joins) blocks.emplace_back();
    blocks.back().add(columns[i]);
  }
  return blocks;
}

Duration bootstrap_block(Duration length) {
  for (const Duration block : {Duration(24h), Duration(1h)}) {
    if (length / block >= static_cast<Duration::rep>(kBootstrapBlocksLeast)) return block;
  }
  return 10min;
}

std::optional<PairedIntervals> paired_block_bootstrap(std::span<const PairedBlock> blocks,
                                                      std::size_t resamples, std::uint64_t seed) {
  double theirs_in_all = 0;
  for (const PairedBlock& block : blocks) theirs_in_all += block.theirs.instance_seconds;
  if (blocks.size() < kBootstrapBlocksLeast || theirs_in_all <= 0 || resamples == 0) return std::nullopt;
  Random random(seed);
  std::vector<double> ratios, differences;
  for (std::size_t n = 0; n < resamples; ++n) {
    TimelineBucket ours, theirs;
    for (std::size_t i = 0; i < blocks.size(); ++i) {
      const PairedBlock& drawn = blocks[random.below(blocks.size())];
      ours.add(drawn.ours);
      theirs.add(drawn.theirs);
    }
    ratios.push_back(ratio_of(ours.instance_seconds, theirs.instance_seconds));
    differences.push_back(late_share_of(ours) - late_share_of(theirs));
  }
  return PairedIntervals{percentile_interval(std::move(ratios)), percentile_interval(std::move(differences))};
}

std::optional<double> late_share_at(std::vector<FrontPoint> front, double instance_seconds) {
  std::ranges::sort(front, [](const FrontPoint& a, const FrontPoint& b) {
    return a.instance_seconds != b.instance_seconds ? a.instance_seconds < b.instance_seconds
                                                    : a.late_share < b.late_share;
  });
  for (std::size_t i = 0; i < front.size(); ++i) {
    const FrontPoint& right = front[i];
    if (right.instance_seconds < instance_seconds) continue;
    if (right.instance_seconds == instance_seconds) return right.late_share;
    if (i == 0) return std::nullopt;
    const FrontPoint& left = front[i - 1];
    const double share =
        (instance_seconds - left.instance_seconds) / (right.instance_seconds - left.instance_seconds);
    return std::exp((1 - share) * std::log(left.late_share) + share * std::log(right.late_share));
  }
  return std::nullopt;
}

}  // namespace forewarm
