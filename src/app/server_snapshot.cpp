#include "app/server_snapshot.h"

#include <algorithm>

#include "app/remote_factory.h"
#include "core/history/interval_counts.h"

namespace forewarm {
namespace {

constexpr std::size_t kShownHigh = 7;  ///< of kForecastLevels: the highest quantile that a ForecastBand shows
static_assert(kForecastLevels[kShownHigh] == 0.95);

}  // namespace

void SnapshotMaker::observe(const TimedEvent& event, const Actions& actions) {
  if (started_ == TimePoint{}) started_ = event.time;
  instance_seconds_ +=
      static_cast<double>(instances_) * seconds(event.time - std::max(instances_since_, started_));
  instances_since_ = event.time;
  if (const auto* lost = std::get_if<InstanceLost>(&event.event)) {
    unused_planned_.erase(lost->instance);
    if (instances_ > 0) --instances_;
  }
  for (const Action& action : actions) count(action);
}

void SnapshotMaker::count(const Action& action) {
  if (const auto* start = std::get_if<StartInstance>(&action)) {
    ++instances_;
    if (start->reason != ScaleReason::Reactive) unused_planned_.insert(start->instance);
  } else if (const auto* run = std::get_if<Run>(&action)) {
    ++runs_[run->function];
    cold_starts_avoided_ += unused_planned_.erase(run->instance);
  }
}

QueueSnapshot SnapshotMaker::queue(const QueueEntry& entry, TimePoint now) const {
  const QueueView view = core_.queue(entry.id);
  QueueSnapshot out;
  out.id = entry.id;
  out.name = entry.name;
  out.ready = view.ready;
  out.delayed = view.delayed;
  out.in_flight = view.in_flight;
  if (view.oldest_sent != kNever && view.ready > 0)
    out.oldest_wait = std::max(now - view.oldest_sent, Duration(0));
  out.step_start = view.step_start;
  out.arrivals_last_step = static_cast<double>(view.arrivals_last_step);
  out.arrived = view.arrived;
  out.started = view.started;
  out.late = view.late;
  if (view.forecast != nullptr) out.forecast = forecast_band(*view.forecast, now);
  if (view.forecast != nullptr && view.choice->scored() > 0) {
    const double naive = view.choice->naive_loss();
    const double loss = view.choice->loss(view.forecast->model);
    if (naive > 0 && loss >= 0) out.forecast_loss_ratio = loss / naive;
    if (const double covered = view.choice->coverage().at(kShownHigh); covered >= 0)
      out.forecast_coverage = covered;
  }
  out.plan = view.plan;
  out.order = view.order;
  out.retries = view.retries;
  out.dead_letters = view.dead_letters;
  out.paused = view.paused;
  out.dead_letter_errors = dead_letters_.errors(entry.id);
  if (const FunctionEntry* function = functions_.of_queue(entry.name)) {
    out.function = function->config.name;
    const ScalingSettings& scaling = functions_.mapping_of_queue(entry.name)->settings.scaling;
    out.objective = scaling.objective;
    out.late_share_max = scaling.late_share_max;
    out.instances = core_.function(function->id).instances;
  }
  return out;
}

FunctionSnapshot SnapshotMaker::function(const FunctionEntry& entry) const {
  const FunctionView view = core_.function(entry.id);
  FunctionSnapshot out;
  out.id = entry.id;
  out.name = entry.config.name;
  out.version = entry.version;
  out.instances = view.instances;
  out.cold_starts = view.cold_starts;
  out.warm_starts = view.warm_starts;
  out.start_time_mean = view.start_time.mean;
  out.start_time_p95 = view.start_time.p95;
  out.service_time_mean = view.service_time.mean;
  out.service_time_p95 = view.service_time.p95;
  out.memory_need_bytes = view.memory_need_bytes;
  out.memory_measured = view.memory_measured;
  if (!runs_elsewhere(entry.config.runtime)) {
    for (const VariantConfig& variant : variants_of(entry.config))
      out.memory_bytes.push_back(static_cast<std::uint64_t>(variant.memory_mb) << 20);
  }
  if (const auto runs = runs_.find(entry.id); runs != runs_.end()) out.runs = runs->second;
  return out;
}

std::optional<QueueArrivals> SnapshotMaker::arrivals(std::string_view name) const {
  const QueueEntry* entry = queues_.find(name);
  if (entry == nullptr) return std::nullopt;
  const IntervalCounts* history = core_.queue(entry->id).history;
  QueueArrivals out;
  if (history == nullptr || history->empty()) return out;
  out.step = history->step();
  out.values = history->arrivals(history->closed());
  out.start = history->open_start() - out.step * static_cast<Duration::rep>(out.values.size());
  return out;
}

Snapshot SnapshotMaker::make(TimePoint now) {
  Snapshot out;
  out.at = now;
  out.uptime = started_ == TimePoint{} ? Duration(0) : now - started_;
  out.events = core_.events();
  queues_.visit("", [&](const QueueEntry& entry) {
    const QueueSnapshot& queue = out.queues.emplace_back(this->queue(entry, now));
    out.totals.arrived += queue.arrived;
    out.totals.started += queue.started;
    out.totals.late += queue.late;
    out.totals.retries += queue.retries;
    out.totals.dead_letters += queue.dead_letters;
    return true;
  });
  for (const auto& [name, entry] : functions_.all()) {
    const FunctionSnapshot& function = out.functions.emplace_back(this->function(entry));
    out.totals.cold_starts += function.cold_starts;
    out.totals.warm_starts += function.warm_starts;
    out.totals.instances.starting += function.instances.starting;
    out.totals.instances.idle += function.instances.idle;
    out.totals.instances.busy += function.instances.busy;
    out.totals.instances.frozen += function.instances.frozen;
    out.totals.instances.stopping += function.instances.stopping;
  }
  out.totals.cold_starts_avoided = cold_starts_avoided_;
  out.totals.instance_seconds = instance_seconds_ + static_cast<double>(instances_) *
                                                        seconds(now - std::max(instances_since_, started_));
  return out;
}

StoreSnapshot store_snapshot(const Store::Statistics& store, bool full) {
  return {store.commits,
          store.writes,
          store.syncs,
          Duration(static_cast<std::int64_t>(store.commit_us_max)),
          store.file_bytes,
          store.pending_bytes,
          full};
}

}  // namespace forewarm
