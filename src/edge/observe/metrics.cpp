#include "edge/observe/metrics.h"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>

#include <algorithm>
#include <map>
#include <optional>
#include <ranges>
#include <unordered_map>

#include "edge/observe/attribution.h"
#include "edge/observe/metric_series.h"

namespace forewarm {
namespace {

constexpr const char* kOther = "(other)";  // no queue can be called so

/// Brings a counter up to a count that is kept elsewhere.
void raise(Counter& counter, double count) {
  counter.Increment(std::max(0.0, count - counter.Value()));
}

std::size_t index_of_retry(RetryChoice choice) {
  return choice == RetryChoice::Now ? 0 : choice == RetryChoice::Park ? 2 : 1;
}

}  // namespace

/// The series in use, and what must be remembered to fill them.
class Metrics::Registry {
 public:
  Registry(Options options, const Names& names) : options_(std::move(options)), names_(names) {
    server_ = series_.make_server(options_.version);
  }

  void observe(const TimedEvent& timed, const Actions& actions);
  void set_snapshot(const Snapshot& snapshot);
  void set_ready(bool ready) { server_.ready->Set(ready ? 1 : 0); }
  std::string text() const { return series_.text(); }
  std::vector<MetricPoints> points(const MetricFilter& wanted) const { return series_.points(wanted); }

 private:
  struct Queue {
    bool own = true;  ///< false: the series are those of "(other)"
    std::string name;
    QueueSeries series;
    std::optional<RunSeries> runs;
    FunctionId function;
  };
  struct Function {
    std::string name;
    FunctionSeries series;
  };
  struct Waiting {
    QueueId queue;
    TimePoint visible_at;
    TimePoint deadline;
    bool measured = true;
  };

  Queue& queue(QueueId id);
  Function& function(FunctionId id);
  RunSeries& runs(QueueId id, FunctionId function_id);
  void forget_queue(QueueId id);

  // One for each event and action that counts.
  void count(TimePoint, const MessageArrived& event);
  void count(TimePoint, const QueueChanged& event) { queue(event.queue); }
  void count(TimePoint, const QueuePurged&) {}
  void count(TimePoint, const QueueRemoved& event) { forget_queue(event.queue); }
  void count(TimePoint, const InstanceReady& event);
  void count(TimePoint, const InstanceLost& event);
  void count(TimePoint, const RunFinished& event);
  void count(TimePoint, const ForecastFitted& event);
  void count(TimePoint, const ConfigurationChanged& event);
  void count(TimePoint, const ReceiveRequested& event) { attribution_.ask(event); }
  void count(TimePoint, const ReceiveCancelled&) {}
  void count(TimePoint, const MessageDeleted&) {}
  void count(TimePoint, const VisibilityChanged&) {}
  void count(TimePoint, const RedriveRequested&) {}
  void count(TimePoint, const ChosenRedriven&) {}
  void count(TimePoint, const SignalObserved&) {}
  void count(TimePoint, const HistoryRestored&) {}
  void count(TimePoint, const QueueRestored&) {}
  void count(TimePoint, const RetryRestored&) {}
  void count(TimePoint, const FunctionRestored&) {}
  void count(TimePoint, const ScalingOrdered&) {}
  void count(TimePoint, const ConsumptionPaused&) {}
  void count(TimePoint, const TimePassed&) {}
  void count(TimePoint now, const Deliver& action);
  void count(TimePoint, const StartInstance& action);
  void count(TimePoint, const StopInstance& action);
  void count(TimePoint, const FreezeInstance&) {}
  void count(TimePoint, const ThawInstance& action);
  void count(TimePoint now, const Run& action);
  void count(TimePoint, const Delete& action);
  void count(TimePoint, const Move& action);
  void count(TimePoint, const SetVisibility& action);
  void count(TimePoint, const Purge& action);
  void count(TimePoint, const FitForecast&) {}
  void count(TimePoint, const PublishPlan& action);

  void start(TimePoint now, QueueId id, const Lease& lease);
  void set_signals(const Snapshot& snapshot);
  void set_receivers(const Snapshot& snapshot);
  void set_telemetry(const Snapshot& snapshot);

  Options options_;
  const Names& names_;
  MetricSeries series_;
  ServerSeries server_;
  Attribution attribution_;
  std::unordered_map<std::uint32_t, Queue> queues_;
  std::unordered_map<std::uint32_t, Function> functions_;
  std::map<std::string, SignalSeriesSet> signals_;
  std::map<std::string, NotificationSeries> receivers_;
  std::map<std::string, std::array<Counter*, 3>> telemetry_;
  std::optional<Queue> other_;
  std::size_t queues_with_series_ = 0;
  std::unordered_map<std::uint64_t, Waiting> waiting_;
  std::uint64_t waiting_unmeasured_ = 0;
  QueueId ended_run_queue_;  ///< of the event at hand
};

void Metrics::Registry::observe(const TimedEvent& timed, const Actions& actions) {
  server_.events->Increment();
  ended_run_queue_ = attribution_.ended_run_queue(timed.event);
  std::visit([&](const auto& event) { count(timed.time, event); }, timed.event);
  for (const Action& action : actions) {
    std::visit([&](const auto& wanted) { count(timed.time, wanted); }, action);
  }
  attribution_.remember(timed.event, actions);
}

Metrics::Registry::Queue& Metrics::Registry::queue(QueueId id) {
  const auto found = queues_.find(id.value());
  if (found != queues_.end()) return found->second.own ? found->second : *other_;
  Queue fresh;
  fresh.own = queues_with_series_ < options_.queues_max;
  if (fresh.own) {
    ++queues_with_series_;
    fresh.name = names_.queue(id);
    if (fresh.name.empty()) fresh.name = "queue-" + std::to_string(id.value());
    fresh.series = series_.make_queue(fresh.name);
  } else if (!other_) {
    other_ = Queue{true, kOther, series_.make_queue(kOther), {}, {}};
  }
  Queue& added = queues_.emplace(id.value(), std::move(fresh)).first->second;
  return added.own ? added : *other_;
}

Metrics::Registry::Function& Metrics::Registry::function(FunctionId id) {
  const auto found = functions_.find(id.value());
  if (found != functions_.end()) return found->second;
  Function fresh;
  fresh.name = names_.function(id);
  if (fresh.name.empty()) fresh.name = "function-" + std::to_string(id.value());
  fresh.series = series_.make_function(fresh.name);
  return functions_.emplace(id.value(), std::move(fresh)).first->second;
}

RunSeries& Metrics::Registry::runs(QueueId id, FunctionId function_id) {
  Queue& of = queue(id);
  if (!of.runs || of.function != function_id) {
    if (of.runs && of.name != kOther) series_.remove(*of.runs);
    of.runs = series_.make_runs(of.name, of.name == kOther ? kOther : function(function_id).name);
    of.function = function_id;
  }
  return *of.runs;
}

void Metrics::Registry::forget_queue(QueueId id) {
  const auto found = queues_.find(id.value());
  if (found == queues_.end()) return;
  if (found->second.own) {
    series_.remove(found->second.series);
    if (found->second.runs) series_.remove(*found->second.runs);
    --queues_with_series_;
  }
  queues_.erase(found);
  std::erase_if(waiting_, [&](const auto& entry) { return entry.second.queue == id; });
}

void Metrics::Registry::count(TimePoint, const MessageArrived& event) {
  const Message& message = event.message;
  QueueSeries& series = queue(message.queue).series;
  series.arrived[static_cast<std::size_t>(event.origin)]->Increment();
  if (event.origin == Origin::Sent) series.arrived_bytes->Increment(message.bytes);
  if (message.receive_count > 0 || event.origin == Origin::Redriven) return;
  if (waiting_.size() >= options_.waiting_max) {
    server_.waits_unmeasured->Increment();
    ++waiting_unmeasured_;
    return;
  }
  waiting_[message.id.value()] = {message.queue, message.visible_at, message.deadline,
                                  event.origin == Origin::Sent};
}

void Metrics::Registry::count(TimePoint, const Purge& action) {
  std::erase_if(waiting_, [&](const auto& entry) {
    return entry.second.queue == action.queue && entry.first <= action.up_to.value();
  });
}

void Metrics::Registry::count(TimePoint, const InstanceReady& event) {
  const auto* instance = attribution_.instance(event.instance);
  if (instance) function(instance->function).series.start_time->Observe(seconds(event.start_time));
}

void Metrics::Registry::count(TimePoint, const InstanceLost& event) {
  const auto* instance = attribution_.instance(event.instance);
  if (!instance) return;
  function(instance->function).series.losses[static_cast<std::size_t>(event.reason)]->Increment();
  for (const RunId id : instance->runs) {
    const auto* run = attribution_.run(id);
    if (run) runs(run->queue, run->function).runs[static_cast<std::size_t>(ErrorClass::Crash)]->Increment();
  }
}

void Metrics::Registry::count(TimePoint, const RunFinished& event) {
  const auto* run = attribution_.run(event.run);
  if (!run) return;
  runs(run->queue, run->function).runs[static_cast<std::size_t>(event.error)]->Increment();
  function(run->function).series.run_duration->Observe(seconds(event.service_time));
}

void Metrics::Registry::count(TimePoint, const ForecastFitted& event) {
  queue(event.queue).series.fits[event.forecasts.empty() ? 1 : 0]->Increment();
}

void Metrics::Registry::count(TimePoint, const ConfigurationChanged& event) {
  for (const FunctionSettings& settings : event.configuration.functions) function(settings.id);
  for (const MappingSettings& mapping : event.configuration.mappings) runs(mapping.queue, mapping.function);
}

void Metrics::Registry::count(TimePoint now, const Deliver& action) {
  if (action.leases.empty()) return;
  const QueueId id = attribution_.receiver(action.receiver);
  QueueSeries& series = queue(id).series;
  series.delivered->Increment(static_cast<double>(action.leases.size()));
  for (const Lease& lease : action.leases) start(now, id, lease);
}

void Metrics::Registry::count(TimePoint now, const Run& action) {
  for (const Lease& lease : action.leases) start(now, action.queue, lease);
}

void Metrics::Registry::start(TimePoint now, QueueId id, const Lease& lease) {
  const auto found = waiting_.find(lease.message.value());
  if (found == waiting_.end()) {
    if (waiting_unmeasured_ == 0 || lease.receive_count != 1) return;
    --waiting_unmeasured_;
    queue(id).series.started->Increment();
    return;
  }
  const Waiting waiting = found->second;
  waiting_.erase(found);
  QueueSeries& series = queue(id).series;
  series.started->Increment();
  if (waiting.measured) series.wait->Observe(std::max(0.0, seconds(now - waiting.visible_at)));
  if (now <= waiting.deadline) return;
  series.late->Increment();
  if (waiting.measured) series.lateness->Observe(seconds(now - waiting.deadline));
}

void Metrics::Registry::count(TimePoint, const StartInstance& action) {
  function(action.function).series.starts[static_cast<std::size_t>(action.reason)]->Increment();
}

void Metrics::Registry::count(TimePoint, const StopInstance& action) {
  const auto* instance = attribution_.instance(action.instance);
  if (instance)
    function(instance->function).series.stops[static_cast<std::size_t>(action.reason)]->Increment();
}

void Metrics::Registry::count(TimePoint, const ThawInstance& action) {
  if (const auto* instance = attribution_.instance(action.instance))
    function(instance->function).series.thaws->Increment();
}

void Metrics::Registry::count(TimePoint, const Delete& action) {
  server_.deleted[static_cast<std::size_t>(action.reason)]->Increment();
  waiting_.erase(action.message.value());
}

void Metrics::Registry::count(TimePoint, const Move& action) {
  queue(action.from).series.moved[static_cast<std::size_t>(action.reason)]->Increment();
  waiting_.erase(action.message.value());
}

void Metrics::Registry::count(TimePoint, const SetVisibility& action) {
  if (action.decision.error == ErrorClass::None) return;
  queue(ended_run_queue_).series.retries[index_of_retry(action.decision.choice)]->Increment();
}

void Metrics::Registry::count(TimePoint, const PublishPlan& action) {
  const auto constraint = static_cast<std::size_t>(action.plan.reason.constraint);
  queue(action.plan.queue).series.plans[constraint]->Increment();
}

/// A signal whose settings have changed counts from 0 again; one that is gone takes its series with it.
void Metrics::Registry::set_signals(const Snapshot& snapshot) {
  for (const SignalSnapshot& from : snapshot.signals) {
    const auto [found, fresh] = signals_.try_emplace(from.name);
    SignalSeriesSet& to = found->second;
    const bool begins_again = !fresh && static_cast<double>(from.readings) < to.readings->Value();
    if (begins_again) series_.remove(to);
    if (fresh || begins_again) {
      const auto reasons = std::views::keys(from.counts);
      to = series_.make_signal(from.name, {reasons.begin(), reasons.end()});
    }
    for (std::size_t i = 0; i < from.counts.size(); ++i)
      raise(*to.values[i], static_cast<double>(from.counts[i].second));
    raise(*to.readings, static_cast<double>(from.readings));
    raise(*to.failures, static_cast<double>(from.failures));
    if (from.past.empty()) continue;
    if (to.value == nullptr) series_.add_gauges(from.name, to);
    to.value->Set(from.past.back().second);
    to.age->Set(seconds(snapshot.at - from.past.back().first));
  }
  std::erase_if(signals_, [&](const auto& entry) {
    const auto& [name, series] = entry;
    if (std::ranges::find(snapshot.signals, name, &SignalSnapshot::name) != snapshot.signals.end())
      return false;
    series_.remove(series);
    return true;
  });
  raise(*server_.signals_unknown, static_cast<double>(snapshot.signals_unknown));
}

/// A receiver that has changed counts from 0 again; one that is gone takes its series with it.
void Metrics::Registry::set_receivers(const Snapshot& snapshot) {
  std::map<std::string, NotificationSeries> before = std::move(receivers_);
  receivers_.clear();
  for (const ReceiverSnapshot& from : snapshot.receivers) {
    const double counts[] = {static_cast<double>(from.delivered), static_cast<double>(from.failed),
                             static_cast<double>(from.refused)};
    const auto known = before.find(from.name);
    const auto grew = [&] {
      for (std::size_t i = 0; i < std::size(counts); ++i)
        if (counts[i] < known->second.sent[i]->Value()) return false;
      return true;
    };
    const bool goes_on = known != before.end() && grew();
    NotificationSeries series;
    if (goes_on) {
      series = known->second;
      before.erase(known);
    } else if (known != before.end()) {
      series_.remove(known->second);
      before.erase(known);
      series = series_.make_receiver(from.name);
    } else {
      series = series_.make_receiver(from.name);
    }
    for (std::size_t i = 0; i < std::size(counts); ++i) raise(*series.sent[i], counts[i]);
    receivers_.emplace(from.name, series);
  }
  for (const auto& [name, series] : before) series_.remove(series);
}

void Metrics::Registry::set_telemetry(const Snapshot& snapshot) {
  for (const TelemetrySnapshot& from : snapshot.telemetry) {
    const auto [to, fresh] = telemetry_.try_emplace(from.kind);
    if (fresh) to->second = series_.make_telemetry(from.kind);
    raise(*to->second[0], static_cast<double>(from.sent));
    raise(*to->second[1], static_cast<double>(from.rejected));
    raise(*to->second[2], static_cast<double>(from.dropped));
  }
}

void Metrics::Registry::set_snapshot(const Snapshot& snapshot) {
  set_signals(snapshot);
  set_receivers(snapshot);
  set_telemetry(snapshot);
  for (const QueueSnapshot& from : snapshot.queues) {
    const auto known = queues_.find(from.id.value());
    if (known == queues_.end() || !known->second.own) continue;
    const QueueSeries& to = known->second.series;
    const std::uint64_t messages[] = {from.ready, from.delayed, from.in_flight};
    for (std::size_t i = 0; i < 3; ++i) to.messages[i]->Set(static_cast<double>(messages[i]));
    to.oldest_wait->Set(seconds(from.oldest_wait));
    to.forecast_median->Set(from.forecast.empty() ? 0 : from.forecast.p50.front());
    to.forecast_high->Set(from.forecast.empty() ? 0 : from.forecast.p95.front());
    to.forecast_step->Set(from.forecast.empty() ? 0 : seconds(from.forecast.step));
    to.plan_instances->Set(from.plan.instances);
    to.plan_floor->Set(from.plan.warm_floor);
    to.forecast_loss->Set(from.forecast_loss_ratio);
    to.forecast_coverage->Set(from.forecast_coverage);
    to.objective->Set(seconds(from.objective));
    to.late_share_max->Set(from.late_share_max);
  }
  for (const FunctionSnapshot& from : snapshot.functions) {
    const FunctionSeries& to = function(from.id).series;
    set_gauges(to, from);
    for (std::size_t i = 0; i < to.not_taken.size(); ++i)
      raise(*to.not_taken[i], static_cast<double>(from.not_taken[i]));
    to.memory_declared->Set(static_cast<double>(from.memory_bytes_max()));
    to.memory_need->Set(from.memory_need_bytes);
  }
  server_.uptime->Set(seconds(snapshot.uptime));
  raise(*server_.cold_starts_avoided, static_cast<double>(snapshot.totals.cold_starts_avoided));
  raise(*server_.instance_seconds, snapshot.totals.instance_seconds);
  raise(*server_.store_commits, static_cast<double>(snapshot.store.commits));
  raise(*server_.store_writes, static_cast<double>(snapshot.store.writes));
  raise(*server_.store_syncs, static_cast<double>(snapshot.store.syncs));
  server_.store_commit_max->Set(seconds(snapshot.store.commit_time_max));
  server_.store_file->Set(static_cast<double>(snapshot.store.file_bytes));
  server_.store_pending->Set(static_cast<double>(snapshot.store.pending_bytes));
  server_.store_full->Set(snapshot.store.full ? 1 : 0);
  server_.process_memory->Set(static_cast<double>(snapshot.process.memory_bytes));
  server_.functions_memory->Set(static_cast<double>(snapshot.process.functions_memory_bytes));
  raise(*server_.process_cpu, seconds(snapshot.process.cpu_time));
  server_.process_descriptors->Set(snapshot.process.open_descriptors);
}

Metrics::Metrics(Options options, const Names& names)
    : registry_(std::make_unique<Registry>(std::move(options), names)) {}
Metrics::~Metrics() = default;

void Metrics::observe(const TimedEvent& event, const Actions& actions) {
  registry_->observe(event, actions);
}
void Metrics::set_snapshot(const Snapshot& snapshot) {
  registry_->set_snapshot(snapshot);
}
void Metrics::set_ready(bool ready) {
  registry_->set_ready(ready);
}
std::string Metrics::text() const {
  return registry_->text();
}
std::vector<MetricPoints> Metrics::points(const MetricFilter& wanted) const {
  return registry_->points(wanted);
}

}  // namespace forewarm
