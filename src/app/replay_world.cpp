#include "app/replay_world.h"

#include <algorithm>
#include <atomic>
#include <thread>

namespace forewarm {
namespace {

// The p99 of measured cold starts is 1.5 to 2.6 times their median (STeLLAR, IISWC 2021); this gives 1.8.
constexpr double kStartSpread = 0.25;
// Where a trace says nothing of durations.
constexpr Duration kServiceGuess = 100ms;
constexpr double kServiceGuessSpread = 1.0;
constexpr Duration kFunctionTimeout = 1h;  // a replay asks how soon work starts, not whether it may end
QueueId queue_id(std::size_t index) {
  return QueueId(static_cast<std::uint32_t>(index + 1));
}

}  // namespace

DurationDistribution service_times(const TraceQueue& queue) {
  if (!queue.durations) return DurationDistribution::log_normal(kServiceGuess, kServiceGuessSpread);
  const TraceDurations& d = *queue.durations;
  const auto at = [](double ms) { return from_seconds(ms * 1e-3); };
  return DurationDistribution::empirical({{0.01, at(d.p1_ms)},
                                          {0.25, at(d.p25_ms)},
                                          {0.50, at(d.p50_ms)},
                                          {0.75, at(d.p75_ms)},
                                          {0.99, at(d.p99_ms)},
                                          {1.00, at(d.p100_ms)}});
}

SimulationOptions replay_world(const Trace& trace, const ReplayOptions& options) {
  SimulationOptions world;
  world.seed = options.seed;
  world.start = trace.start;
  world.length = from_seconds(seconds(trace.length) / options.speed);
  world.settle = kReplaySettle;
  world.start_time = DurationDistribution::log_normal(options.start_time, kStartSpread);
  world.configuration.forecast.step = options.step;
  world.configuration.instances_max = options.instances_max * static_cast<std::uint32_t>(trace.queues.size());
  world.configuration.memory_max_bytes = options.memory_max_mb << 20;
  for (std::size_t i = 0; i < trace.queues.size(); ++i) {
    SimulatedQueue queue;
    queue.id = queue_id(i);
    queue.service_time = service_times(trace.queues[i]);
    world.queues.push_back(queue);
    FunctionSettings function;
    function.id = FunctionId(queue.id.value());
    function.timeout = kFunctionTimeout;
    function.concurrency_max = options.instances_max;
    function.start_time_guess = options.start_time;
    world.configuration.functions.push_back(function);
    MappingSettings mapping;
    mapping.queue = queue.id;
    mapping.function = function.id;
    mapping.scaling.objective = options.objective;
    mapping.scaling.late_share_max = options.late_share_max;
    mapping.scaling.instances_max = options.instances_max;
    world.configuration.mappings.push_back(mapping);
  }
  if (options.measured) {
    world.configuration = options.measured->configuration;
    world.start_time = options.measured->start_time;
    world.first_starts = options.measured->first_starts;
    world.accept_times = options.measured->accept_times;
    world.stop_time = options.measured->stop_time;
    world.fit_latency = options.measured->fit_latency;
  }
  return world;
}

std::vector<std::vector<Job>> jobs_of(const SimulationOptions& world, ArrivalSource& arrivals) {
  std::vector<std::vector<Job>> jobs(world.queues.size());
  std::uint64_t message = 0;
  for (std::optional<Arrival> arrival = arrivals.next(); arrival; arrival = arrivals.next()) {
    ++message;
    const SimulatedQueue& queue = world.queues[arrival->queue];
    const Duration takes = arrival->service_time >= Duration(0)
                               ? arrival->service_time
                               : drawn_service_time(world.seed, queue, MessageId(message));
    if (takes > Duration(0)) jobs[arrival->queue].push_back({seconds(arrival->at), seconds(takes)});
  }
  return jobs;
}

void side_by_side(std::size_t count, unsigned threads, const std::function<void(std::size_t)>& work) {
  const std::size_t wanted = threads > 0 ? threads : std::max(1U, std::thread::hardware_concurrency());
  std::atomic<std::size_t> next = 0;
  const auto take = [&] {
    for (std::size_t i = next++; i < count; i = next++) work(i);
  };
  std::vector<std::jthread> others;
  for (std::size_t i = 1; i < std::min(wanted, count); ++i) others.emplace_back(take);
  take();
}

}  // namespace forewarm
