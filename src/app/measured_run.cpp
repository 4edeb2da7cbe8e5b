#include "app/measured_run.h"

#include <algorithm>

namespace forewarm {
namespace {

Duration mean_of(const std::vector<Duration>& durations, Duration otherwise) {
  if (durations.empty()) return otherwise;
  double sum = 0;
  for (const Duration duration : durations) sum += seconds(duration);
  return from_seconds(sum / static_cast<double>(durations.size()));
}

DurationDistribution distribution_of(std::vector<Duration> durations) {
  std::ranges::sort(durations);
  std::vector<DurationDistribution::Percentile> percentiles;
  percentiles.reserve(durations.size());
  const double count = static_cast<double>(durations.size());
  for (std::size_t i = 0; i < durations.size(); ++i)
    percentiles.push_back({(static_cast<double>(i) + 0.5) / count, durations[i]});
  return DurationDistribution::empirical(std::move(percentiles));
}

}  // namespace

void MeasuredRun::begin(TimePoint start, const std::vector<QueueId>& queues) {
  start_ = start;
  ids_ = queues;
  for (std::size_t i = 0; i < ids_.size(); ++i) index_.insert(ids_[i], static_cast<std::uint32_t>(i));
}

void MeasuredRun::observe(const TimedEvent& event, const Actions& actions) {
  on_event(event);
  for (const Action& action : actions) on_action(action, event.time);
}

void MeasuredRun::on_event(const TimedEvent& event) {
  if (const auto* changed = std::get_if<ConfigurationChanged>(&event.event)) {
    configuration_ = changed->configuration;
  } else if (const auto* arrived = std::get_if<MessageArrived>(&event.event)) {
    const std::uint32_t* queue = index_.find(arrived->message.queue);
    if (!start_ || queue == nullptr || arrived->origin != Origin::Sent) return;
    arrival_of_.insert(arrived->message.id, arrivals_.size());
    accepts_.push_back(event.time - arrived->message.sent);
    const auto bytes = static_cast<std::uint32_t>(arrived->message.bytes);
    arrivals_.push_back({.at = event.time - *start_, .queue = *queue, .bytes = bytes});
  } else if (const auto* finished = std::get_if<RunFinished>(&event.event)) {
    const Running* run = running_.find(finished->run);
    if (run == nullptr) return;
    const Duration each = (event.time - run->since) / static_cast<Duration::rep>(run->messages.size());
    for (const MessageId message : run->messages) {
      const std::size_t* arrival = arrival_of_.find(message);
      if (arrival != nullptr) arrivals_[*arrival].service_time = each;
    }
    running_.erase(finished->run);
  } else if (const auto* ready = std::get_if<InstanceReady>(&event.event)) {
    if (const std::size_t* start = starting_.find(ready->instance))
      starts_[*start].took = event.time - starts_[*start].asked;
    starting_.erase(ready->instance);
  } else if (const auto* lost = std::get_if<InstanceLost>(&event.event)) {
    if (const TimePoint* asked = stopping_.find(lost->instance)) stops_.push_back(event.time - *asked);
    starting_.erase(lost->instance);
    stopping_.erase(lost->instance);
  } else if (const auto* fitted = std::get_if<ForecastFitted>(&event.event)) {
    const auto asked = std::ranges::find_if(fitting_, [&](const Asked& fit) {
      return fit.queue == fitted->queue && fit.serial == fitted->serial;
    });
    if (asked == fitting_.end()) return;
    fits_.push_back(event.time - asked->at);
    fitting_.erase(asked);
  }
}

void MeasuredRun::on_action(const Action& action, TimePoint now) {
  if (const auto* run = std::get_if<Run>(&action)) {
    if (run->leases.empty()) return;
    Running& running = running_.insert(run->run, {.since = now, .messages = {}});
    for (const Lease& lease : run->leases) running.messages.push_back(lease.message);
  } else if (const auto* start = std::get_if<StartInstance>(&action)) {
    starting_.insert(start->instance, starts_.size());
    starts_.push_back({.queue = start->queue, .asked = now, .took = {}});
  } else if (const auto* stop = std::get_if<StopInstance>(&action)) {
    stopping_.insert(stop->instance, now);
  } else if (const auto* fit = std::get_if<FitForecast>(&action)) {
    std::erase_if(fitting_, [&](const Asked& old) { return old.queue == fit->request.queue; });
    fitting_.push_back({fit->request.queue, fit->request.serial, now});
  }
}

Trace MeasuredRun::trace(const std::vector<TraceQueue>& queues, Duration length) const {
  Trace trace;
  trace.queues = queues;
  trace.length = length;
  if (start_) trace.start = *start_;
  std::vector<Duration> all;
  std::vector<std::vector<Duration>> of_queue(queues.size());
  for (const TraceArrival& arrival : arrivals_) {
    if (arrival.at <= length) trace.arrivals.push_back(arrival);
    if (arrival.service_time < Duration(0)) continue;
    all.push_back(arrival.service_time);
    of_queue[arrival.queue].push_back(arrival.service_time);
  }
  std::vector<Duration> mean;
  mean.reserve(of_queue.size());
  for (const std::vector<Duration>& measured : of_queue)
    mean.push_back(mean_of(measured, mean_of(all, Duration(-1))));
  for (TraceArrival& arrival : trace.arrivals) {
    if (arrival.service_time < Duration(0)) arrival.service_time = mean[arrival.queue];
  }
  return trace;
}

MeasuredWorld MeasuredRun::world(const MeasuredWorld& guess) const {
  MeasuredWorld world = guess;
  world.configuration = configuration_;
  world.configuration.functions.clear();
  world.configuration.mappings.clear();
  for (const MappingSettings& mapping : configuration_.mappings) {
    const std::uint32_t* queue = index_.find(mapping.queue);
    const auto function =
        std::ranges::find(configuration_.functions, mapping.function, &FunctionSettings::id);
    if (queue == nullptr || function == configuration_.functions.end()) continue;
    MappingSettings renamed = mapping;
    renamed.queue = QueueId(*queue + 1);
    renamed.function = FunctionId(*queue + 1);
    world.configuration.mappings.push_back(renamed);
    world.configuration.functions.push_back(*function);
    world.configuration.functions.back().id = renamed.function;
  }
  std::ranges::sort(world.configuration.functions, {}, &FunctionSettings::id);
  std::ranges::sort(world.configuration.mappings, {}, &MappingSettings::queue);
  std::vector<Duration> known;
  for (const Start& start : starts_) {
    if (start.took) known.push_back(*start.took);
  }
  if (!known.empty()) world.start_time = distribution_of(known);
  world.first_starts.assign(ids_.size(), {});
  for (const Start& start : starts_) {
    const std::uint32_t* queue = index_.find(start.queue);
    if (queue != nullptr) world.first_starts[*queue].push_back(start.took.value_or(world.start_time.mean()));
  }
  world.accept_times = accepts_;
  world.stop_time = mean_of(stops_, guess.stop_time);
  world.fit_latency = mean_of(fits_, guess.fit_latency);
  return world;
}

}  // namespace forewarm
