#include "sim/prices.h"

#include "sim/ledger.h"

namespace forewarm {
namespace {

void add_at(std::vector<double>& curve, std::uint32_t instances, double took) {
  if (instances >= curve.size()) curve.resize(instances + 1);
  curve[instances] += took;
}

/// Seconds with at least k instances, for k = 1 to `most`.
std::vector<double> at_least(const std::vector<double>& curve, std::size_t most) {
  std::vector<double> sums(most);
  double above = 0;
  for (std::size_t k = most; k > 0; --k) {
    if (k < curve.size()) above += curve[k];
    sums[k - 1] = above;
  }
  return sums;
}

/// The length in whole steps, in seconds.
double committed_seconds(const CommittedPrice& price, Duration length) {
  if (price.step <= Duration(0)) return seconds(length);
  const std::int64_t steps = (length + price.step - Duration(1)) / price.step;
  return seconds(price.step) * static_cast<double>(steps);
}

}  // namespace

void LevelCurve::add(double took, const InstanceCounts& counts) {
  add_at(busy_, counts.busy, took);
  add_at(awake_, counts.busy + counts.idle, took);
  add_at(ready_, counts.busy + counts.free(), took);
  add_at(there_, counts.usable(), took);
}

std::vector<LevelCurve::Level> LevelCurve::levels() const {
  if (there_.size() < 2) return {};
  const std::size_t most = there_.size() - 1;
  const std::vector<double> busy = at_least(busy_, most);
  const std::vector<double> awake = at_least(awake_, most);
  const std::vector<double> ready = at_least(ready_, most);
  const std::vector<double> there = at_least(there_, most);
  std::vector<Level> levels(most);
  for (std::size_t k = 0; k < most; ++k)
    levels[k] = {.starting = there[k] - ready[k],
                 .idle = awake[k] - busy[k],
                 .frozen = ready[k] - awake[k],
                 .busy = busy[k]};
  return levels;
}

void Cost::add(const Cost& other) {
  starting += other.starting;
  idle += other.idle;
  frozen += other.frozen;
  busy += other.busy;
  rounding += other.rounding;
  starts += other.starts;
  requests += other.requests;
  committed += other.committed;
  committed_instances += other.committed_instances;
}

Cost cost_of(const PriceSheet& sheet, const QueueLedger& book, Duration length) {
  const double memory = sheet.memory_gb;
  Cost cost;
  cost.rounding = memory * (book.instance_rounding_seconds * sheet.idle_second +
                            book.run_rounding_seconds * sheet.busy_second);
  cost.starts = static_cast<double>(book.starts) * sheet.start;
  cost.requests = static_cast<double>(book.requests) * sheet.million_requests * 1e-6;
  bool committing = sheet.committed.has_value();
  for (const LevelCurve::Level& level : book.levels.levels()) {
    const double starting = memory * level.starting * sheet.starting_second;
    const double idle = memory * level.idle * sheet.idle_second;
    const double frozen = memory * level.frozen * sheet.frozen_second;
    const double busy = memory * level.busy * sheet.busy_second;
    if (committing) {
      const double committed =
          memory * (committed_seconds(*sheet.committed, length) * sheet.committed->second +
                    level.busy * sheet.committed->busy_second);
      committing = committed < starting + idle + frozen + busy;
      if (committing) {
        cost.committed += committed;
        ++cost.committed_instances;
        continue;
      }
    }
    cost.starting += starting;
    cost.idle += idle;
    cost.frozen += frozen;
    cost.busy += busy;
  }
  return cost;
}

Cost cost_of(const PriceSheet& sheet, const std::vector<QueueLedger>& books, Duration length) {
  Cost sum;
  for (const QueueLedger& book : books) sum.add(cost_of(sheet, book, length));
  return sum;
}

}  // namespace forewarm
