#include "edge/observe/snapshot_history.h"

#include <algorithm>
#include <limits>

namespace forewarm {
namespace {

constexpr Duration kSilentBeforeEviction = 1min;

bool does_something(const QueueSnapshot& queue) {
  return queue.ready + queue.delayed + queue.in_flight > 0 || queue.instances.all() > 0 ||
         queue.plan.instances > 0 || queue.arrivals_last_step > 0;
}

template <class Small>
Small narrow(std::uint64_t value) {
  return static_cast<Small>(std::min<std::uint64_t>(value, std::numeric_limits<Small>::max()));
}

}  // namespace

void SnapshotHistory::add(const Snapshot& snapshot) {
  for (const QueueSnapshot& queue : snapshot.queues) {
    Kept* kept = keep(queue, snapshot.at);
    if (!kept) continue;
    kept->seen_at = snapshot.at;
    add_sample(*kept, queue, snapshot.at);
    add_step(*kept, queue, snapshot.at);
    expect(*kept, queue.forecast, snapshot.at);
  }
  std::erase_if(queues_, [&](const auto& entry) { return entry.second.seen_at != snapshot.at; });
}

const SnapshotHistory::Queue* SnapshotHistory::queue(std::string_view name) const {
  const auto found = queues_.find(std::string(name));
  return found == queues_.end() ? nullptr : &found->second.shown;
}

SnapshotHistory::Kept* SnapshotHistory::keep(const QueueSnapshot& queue, TimePoint at) {
  const auto found = queues_.find(queue.name);
  if (found != queues_.end()) {
    if (does_something(queue) || queue.arrived != found->second.arrived) found->second.active_at = at;
    return &found->second;
  }
  if (!does_something(queue)) return nullptr;
  if (queues_.size() >= options_.queues_max) {
    const auto silent = std::min_element(queues_.begin(), queues_.end(), [](const auto& a, const auto& b) {
      return a.second.active_at < b.second.active_at;
    });
    if (silent == queues_.end() || at - silent->second.active_at < kSilentBeforeEviction) return nullptr;
    queues_.erase(silent);
  }
  Kept& fresh = queues_[queue.name];
  fresh.arrived = queue.arrived;
  fresh.late = queue.late;
  fresh.active_at = at;
  return &fresh;
}

void SnapshotHistory::add_sample(Kept& kept, const QueueSnapshot& queue, TimePoint at) const {
  HistorySample sample;
  sample.at = at;
  sample.ready = narrow<std::uint32_t>(queue.ready);
  sample.in_flight = narrow<std::uint32_t>(queue.in_flight);
  sample.arrived = narrow<std::uint32_t>(queue.arrived - std::min(queue.arrived, kept.arrived));
  sample.late = narrow<std::uint32_t>(queue.late - std::min(queue.late, kept.late));
  sample.starting = narrow<std::uint16_t>(queue.instances.starting);
  sample.idle = narrow<std::uint16_t>(queue.instances.idle);
  sample.busy = narrow<std::uint16_t>(queue.instances.busy);
  sample.frozen = narrow<std::uint16_t>(queue.instances.frozen);
  sample.planned = narrow<std::uint16_t>(queue.plan.instances);
  kept.arrived = queue.arrived;
  kept.late = queue.late;
  auto& samples = kept.shown.samples;
  samples.push_back(sample);
  while (samples.size() > options_.samples_max || samples.front().at + options_.kept < at)
    samples.pop_front();
}

void SnapshotHistory::add_step(Kept& kept, const QueueSnapshot& queue, TimePoint at) const {
  auto& steps = kept.shown.steps;
  if (queue.step_start == TimePoint() || (!steps.empty() && queue.step_start <= steps.back().start)) return;
  constexpr float kNothing = std::numeric_limits<float>::quiet_NaN();
  HistoryStep step{queue.step_start, queue.forecast.step, 0, kNothing, kNothing, kNothing, kNothing,
                   kNothing};
  const auto said =
      std::find_if(kept.expected.begin(), kept.expected.end(),
                   [&](const HistoryStep& expected) { return expected.start == queue.step_start; });
  if (said != kept.expected.end()) step = *said;
  step.arrivals = static_cast<float>(queue.arrivals_last_step);
  steps.push_back(step);
  while (steps.size() > options_.samples_max || steps.front().start + options_.kept < at) steps.pop_front();
  std::erase_if(kept.expected,
                [&](const HistoryStep& expected) { return expected.start <= queue.step_start; });
}

void SnapshotHistory::expect(Kept& kept, const ForecastBand& forecast, TimePoint at) {
  // Two steps ahead, so that none is missed when a step is as short as the time between snapshots.
  const TimePoint last = at + 2 * std::max(forecast.step, Duration(1s));
  for (std::size_t h = 0; h < forecast.p50.size(); ++h) {
    const TimePoint start = forecast.start + static_cast<Duration::rep>(h) * forecast.step;
    if (start <= at) continue;
    if (start > last) break;
    std::erase_if(kept.expected, [&](const HistoryStep& expected) { return expected.start == start; });
    kept.expected.push_back({start, forecast.step, 0, forecast.p5[h], forecast.p25[h], forecast.p50[h],
                             forecast.p75[h], forecast.p95[h]});
  }
}

}  // namespace forewarm
