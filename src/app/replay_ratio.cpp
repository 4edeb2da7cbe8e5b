#include "app/replay_ratio.h"

#include <algorithm>
#include <vector>

#include "app/config.h"
#include "app/terminal.h"

namespace forewarm {
namespace {

/// Blocks of the columns that begin and end in the time that counts.
std::vector<TimelineBucket> scored_blocks(const ReplayReport& report, std::size_t policy, Duration block) {
  const auto from = static_cast<std::size_t>((report.learning + report.bucket - Duration(1)) / report.bucket);
  const auto until = static_cast<std::size_t>(report.length / report.bucket);
  std::vector<TimelineBucket> columns = report.policies[policy].result.timeline;
  columns.resize(std::max(from, until));  // a policy without an instance in the end has fewer
  columns.erase(columns.begin(), columns.begin() + static_cast<std::ptrdiff_t>(from));
  return blocks_of(columns, static_cast<std::size_t>(block / report.bucket));
}

}  // namespace

std::string CostRatio::text() const {
  std::string out = fixed(ratio, 2);
  if (interval) out += " (" + fixed(interval->low, 2) + "-" + fixed(interval->high, 2) + ")";
  return out;
}

std::optional<CostRatio> cost_ratio(const ReplayReport& report, std::size_t policy) {
  const double first = report.policies.front().result.total.instance_seconds();
  if (first <= 0) return std::nullopt;
  CostRatio found;
  found.ratio = report.policies[policy].result.total.instance_seconds() / first;
  found.block = std::max(report.bucket, bootstrap_block(report.scored()));
  const std::vector<TimelineBucket> theirs = scored_blocks(report, 0, found.block);
  const std::vector<TimelineBucket> ours = scored_blocks(report, policy, found.block);
  found.blocks = theirs.size();
  std::vector<PairedBlock> pairs;
  pairs.reserve(theirs.size());
  for (std::size_t i = 0; i < theirs.size(); ++i) pairs.push_back({ours[i], theirs[i]});
  if (const std::optional<PairedIntervals> intervals = paired_block_bootstrap(pairs))
    found.interval = intervals->cost_ratio;
  return found;
}

std::string cost_ratio_note(const ReplayReport& report) {
  if (report.policies.size() < 2) return {};
  const std::optional<CostRatio> last = cost_ratio(report, report.policies.size() - 1);
  if (!last || !last->interval) return {};
  return "In brackets: the 95 % interval over " + std::to_string(last->blocks) + " blocks of " +
         format_duration(last->block) + ", drawn anew 2,000 times, the same ones for both policies.";
}

}  // namespace forewarm
