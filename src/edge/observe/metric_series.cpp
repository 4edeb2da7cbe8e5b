#include "edge/observe/metric_series.h"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <map>

#include "base/check.h"
#include "edge/observe/metric_families.h"
#include "edge/observe/snapshot.h"

namespace forewarm {
namespace {

using Labels = std::map<std::string, std::string>;
using Buckets = prometheus::Histogram::BucketBoundaries;

// A wait is judged against objectives of some ten milliseconds to minutes.
const Buckets kWaitBuckets = {0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25,
                              0.5,   1,      2.5,   5,    10,    30,   60,  300};
const Buckets kLatenessBuckets = {0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300};
// A shell starts in some milliseconds, a large runtime in ten seconds.
const Buckets kStartBuckets = {0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 30};
// Up to 15 minutes, the longest that a function may run.
const Buckets kRunBuckets = {0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5,
                             1,     2.5,   5,    10,    30,   60,  300,  900};

const Buckets& buckets(MetricId id) {
  switch (id) {
    case MetricId::MessageWait:
      return kWaitBuckets;
    case MetricId::MessageLateness:
      return kLatenessBuckets;
    case MetricId::StartTime:
      return kStartBuckets;
    default:
      return kRunBuckets;
  }
}

}  // namespace

struct MetricSeries::Families {
  prometheus::Registry registry;
  std::vector<prometheus::Family<Counter>*> counters;
  std::vector<prometheus::Family<Gauge>*> gauges;
  std::vector<prometheus::Family<Histogram>*> histograms;

  Families() {
    for (const MetricDescription& metric : metric_table()) {
      const std::string name(metric.name), help(metric.help);
      const bool counter = metric.type == MetricType::Counter, gauge = metric.type == MetricType::Gauge;
      counters.push_back(counter ? &prometheus::BuildCounter().Name(name).Help(help).Register(registry)
                                 : nullptr);
      gauges.push_back(gauge ? &prometheus::BuildGauge().Name(name).Help(help).Register(registry) : nullptr);
      const bool histogram = !counter && !gauge;
      histograms.push_back(histogram ? &prometheus::BuildHistogram().Name(name).Help(help).Register(registry)
                                     : nullptr);
    }
  }

  Counter* counter(MetricId id, const Labels& labels = {}) { return &at(counters, id).Add(labels); }
  Gauge* gauge(MetricId id, const Labels& labels = {}) { return &at(gauges, id).Add(labels); }
  Histogram* histogram(MetricId id, const Labels& labels) {
    return &at(histograms, id).Add(labels, buckets(id));
  }

  /// One counter for each of a reason's words.
  template <class Enum, std::size_t N>
  void counters_by(MetricId id, Labels labels, std::array<Counter*, N>& out) {
    for (std::size_t i = 0; i < N; ++i) {
      labels["reason"] = word(static_cast<Enum>(i));
      out[i] = counter(id, labels);
    }
  }
  template <std::size_t N>
  void counters_by(MetricId id, Labels labels, const char* const (&words)[N], std::array<Counter*, N>& out) {
    for (std::size_t i = 0; i < N; ++i) {
      labels["reason"] = words[i];
      out[i] = counter(id, labels);
    }
  }
  template <std::size_t N>
  void gauges_by(MetricId id, Labels labels, const char* const (&words)[N], std::array<Gauge*, N>& out) {
    for (std::size_t i = 0; i < N; ++i) {
      labels["state"] = words[i];
      out[i] = gauge(id, labels);
    }
  }

  void remove(MetricId id, Counter* series) { at(counters, id).Remove(series); }
  void remove(MetricId id, Gauge* series) { at(gauges, id).Remove(series); }
  void remove(MetricId id, Histogram* series) { at(histograms, id).Remove(series); }
  template <class T, std::size_t N>
  void remove(MetricId id, const std::array<T*, N>& all) {
    for (T* series : all) remove(id, series);
  }

 private:
  template <class T>
  T& at(const std::vector<T*>& families, MetricId id) {
    T* family = families[static_cast<std::size_t>(id)];
    check(family != nullptr, "a metric is used as the type that the table gives");
    return *family;
  }
};

MetricSeries::MetricSeries() : families_(std::make_unique<Families>()) {}
MetricSeries::~MetricSeries() = default;

ServerSeries MetricSeries::make_server(const std::string& version) {
  Families& f = *families_;
  f.gauge(MetricId::Info, {{"version", version}})->Set(1);
  ServerSeries s;
  s.events = f.counter(MetricId::Events);
  s.waits_unmeasured = f.counter(MetricId::WaitsUnmeasured);
  f.counters_by(MetricId::MessagesDeleted, {}, {"client", "run_succeeded", "expired"}, s.deleted);
  s.ready = f.gauge(MetricId::Ready);
  s.uptime = f.gauge(MetricId::Uptime);
  s.signals_unknown = f.counter(MetricId::SignalsUnknown);
  s.cold_starts_avoided = f.counter(MetricId::ColdStartsAvoided);
  s.instance_seconds = f.counter(MetricId::InstanceSeconds);
  s.store_commits = f.counter(MetricId::StoreCommits);
  s.store_writes = f.counter(MetricId::StoreWrites);
  s.store_syncs = f.counter(MetricId::StoreSyncs);
  s.store_commit_max = f.gauge(MetricId::StoreCommitMax);
  s.store_file = f.gauge(MetricId::StoreFile);
  s.store_pending = f.gauge(MetricId::StorePending);
  s.store_full = f.gauge(MetricId::StoreFull);
  s.process_memory = f.gauge(MetricId::ProcessMemory);
  s.functions_memory = f.gauge(MetricId::FunctionsMemory);
  s.process_cpu = f.counter(MetricId::ProcessCpu);
  s.process_descriptors = f.gauge(MetricId::ProcessDescriptors);
  return s;
}

QueueSeries MetricSeries::make_queue(const std::string& name) {
  Families& f = *families_;
  const Labels queue = {{"queue", name}};
  QueueSeries s;
  f.counters_by<Origin>(MetricId::MessagesArrived, queue, s.arrived);
  s.arrived_bytes = f.counter(MetricId::ArrivedBytes, queue);
  s.started = f.counter(MetricId::MessagesStarted, queue);
  s.late = f.counter(MetricId::MessagesLate, queue);
  s.delivered = f.counter(MetricId::Deliveries, queue);
  s.wait = f.histogram(MetricId::MessageWait, queue);
  s.lateness = f.histogram(MetricId::MessageLateness, queue);
  f.counters_by<MoveReason>(MetricId::MessagesMoved, queue, s.moved);
  f.counters_by(MetricId::Retries, queue, {"now", "later", "park"}, s.retries);
  f.counters_by(MetricId::Fits, queue, {"succeeded", "failed"}, s.fits);
  f.counters_by<Constraint>(MetricId::Plans, queue, s.plans);
  f.gauges_by(MetricId::QueueMessages, queue, {"ready", "delayed", "in_flight"}, s.messages);
  s.oldest_wait = f.gauge(MetricId::OldestWait, queue);
  s.forecast_median = f.gauge(MetricId::ForecastMedian, queue);
  s.forecast_high = f.gauge(MetricId::ForecastHigh, queue);
  s.forecast_step = f.gauge(MetricId::ForecastStep, queue);
  s.forecast_loss = f.gauge(MetricId::ForecastLoss, queue);
  s.forecast_coverage = f.gauge(MetricId::ForecastCoverage, queue);
  s.plan_instances = f.gauge(MetricId::PlanInstances, queue);
  s.plan_floor = f.gauge(MetricId::PlanFloor, queue);
  s.objective = f.gauge(MetricId::Objective, queue);
  s.late_share_max = f.gauge(MetricId::LateShareMax, queue);
  return s;
}

RunSeries MetricSeries::make_runs(const std::string& queue, const std::string& function) {
  RunSeries series;
  families_->counters_by<ErrorClass>(MetricId::Runs, {{"queue", queue}, {"function", function}}, series.runs);
  return series;
}

FunctionSeries MetricSeries::make_function(const std::string& name) {
  Families& f = *families_;
  const Labels function = {{"function", name}};
  FunctionSeries s;
  f.counters_by<ScaleReason>(MetricId::InstanceStarts, function, s.starts);
  f.counters_by<ScaleReason>(MetricId::InstanceStops, function, s.stops);
  s.thaws = f.counter(MetricId::InstanceThaws, function);
  f.counters_by<LossReason>(MetricId::InstanceLosses, function, s.losses);
  f.counters_by(MetricId::InvocationsNotTaken, function, {"throttled", "unavailable", "refused"},
                s.not_taken);
  s.memory_declared = f.gauge(MetricId::MemoryDeclared, function);
  s.memory_need = f.gauge(MetricId::MemoryNeed, function);
  f.gauges_by(MetricId::Instances, function, {"starting", "idle", "busy", "frozen", "stopping"}, s.instances);
  s.instances_wanted = f.gauge(MetricId::InstancesWanted, function);
  f.gauges_by(MetricId::Workers, function, {"used", "unused"}, s.workers);
  s.start_time = f.histogram(MetricId::StartTime, function);
  s.run_duration = f.histogram(MetricId::RunDuration, function);
  return s;
}

void set_gauges(const FunctionSeries& series, const FunctionSnapshot& from) {
  const InstanceCounts& now = from.instances;
  const std::uint32_t counts[] = {now.starting, now.idle, now.busy, now.frozen, now.stopping};
  for (std::size_t i = 0; i < series.instances.size(); ++i) series.instances[i]->Set(counts[i]);
  series.instances_wanted->Set(now.usable());
  for (std::size_t i = 0; i < series.workers.size(); ++i) series.workers[i]->Set(from.workers[i]);
}

SignalSeriesSet MetricSeries::make_signal(const std::string& name, const std::vector<std::string>& reasons) {
  Families& f = *families_;
  SignalSeriesSet s;
  for (const std::string& reason : reasons)
    s.values.push_back(f.counter(MetricId::SignalValues, {{"signal", name}, {"reason", reason}}));
  s.readings = f.counter(MetricId::SignalReadings, {{"signal", name}});
  s.failures = f.counter(MetricId::SignalFailures, {{"signal", name}});
  return s;
}

NotificationSeries MetricSeries::make_receiver(const std::string& name) {
  NotificationSeries series;
  families_->counters_by(MetricId::Notifications, {{"receiver", name}}, {"delivered", "failed", "refused"},
                         series.sent);
  return series;
}

std::array<Counter*, 3> MetricSeries::make_telemetry(const std::string& kind) {
  std::array<Counter*, 3> series{};
  families_->counters_by(MetricId::OtlpItems, {{"kind", kind}}, {"sent", "rejected", "dropped"}, series);
  return series;
}

void MetricSeries::add_gauges(const std::string& name, SignalSeriesSet& series) {
  series.value = families_->gauge(MetricId::SignalValue, {{"signal", name}});
  series.age = families_->gauge(MetricId::SignalAge, {{"signal", name}});
}

void MetricSeries::remove(const SignalSeriesSet& s) {
  Families& f = *families_;
  for (Counter* values : s.values) f.remove(MetricId::SignalValues, values);
  f.remove(MetricId::SignalReadings, s.readings);
  f.remove(MetricId::SignalFailures, s.failures);
  if (s.value == nullptr) return;
  f.remove(MetricId::SignalValue, s.value);
  f.remove(MetricId::SignalAge, s.age);
}

void MetricSeries::remove(const QueueSeries& s) {
  Families& f = *families_;
  f.remove(MetricId::MessagesArrived, s.arrived);
  f.remove(MetricId::ArrivedBytes, s.arrived_bytes);
  f.remove(MetricId::MessagesStarted, s.started);
  f.remove(MetricId::MessagesLate, s.late);
  f.remove(MetricId::Deliveries, s.delivered);
  f.remove(MetricId::MessageWait, s.wait);
  f.remove(MetricId::MessageLateness, s.lateness);
  f.remove(MetricId::MessagesMoved, s.moved);
  f.remove(MetricId::Retries, s.retries);
  f.remove(MetricId::Fits, s.fits);
  f.remove(MetricId::Plans, s.plans);
  f.remove(MetricId::QueueMessages, s.messages);
  f.remove(MetricId::OldestWait, s.oldest_wait);
  f.remove(MetricId::ForecastMedian, s.forecast_median);
  f.remove(MetricId::ForecastHigh, s.forecast_high);
  f.remove(MetricId::ForecastStep, s.forecast_step);
  f.remove(MetricId::ForecastLoss, s.forecast_loss);
  f.remove(MetricId::ForecastCoverage, s.forecast_coverage);
  f.remove(MetricId::PlanInstances, s.plan_instances);
  f.remove(MetricId::PlanFloor, s.plan_floor);
  f.remove(MetricId::Objective, s.objective);
  f.remove(MetricId::LateShareMax, s.late_share_max);
}

void MetricSeries::remove(const NotificationSeries& series) {
  families_->remove(MetricId::Notifications, series.sent);
}

void MetricSeries::remove(const RunSeries& series) {
  families_->remove(MetricId::Runs, series.runs);
}

std::vector<MetricPoints> MetricSeries::points(const MetricFilter& wanted) const {
  std::vector<prometheus::MetricFamily> found;
  const auto add = [&found](const prometheus::Collectable* family) {
    if (family == nullptr) return;
    for (prometheus::MetricFamily& each : family->Collect()) found.push_back(std::move(each));
  };
  for (std::size_t i = 0; i < metric_table().size(); ++i) {
    if (!wanted(metric_table()[i].name)) continue;
    add(families_->counters[i]);
    add(families_->gauges[i]);
    add(families_->histograms[i]);
  }
  return metric_points(found);
}

std::string MetricSeries::text() const {
  return prometheus::TextSerializer().Serialize(families_->registry.Collect());
}

}  // namespace forewarm
