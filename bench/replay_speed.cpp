// Events a second through the real core in the simulated world, and the core's own time a message and a step.

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <vector>

#include "core/orchestrator.h"
#include "sim/simulated_world.h"
#include "sim/simulation.h"

using namespace forewarm;

namespace {

/// Processor time, because on a shared machine a step may be interrupted for milliseconds.
double cpu_seconds() {
  timespec spec{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &spec);
  return static_cast<double>(spec.tv_sec) + static_cast<double>(spec.tv_nsec) * 1e-9;
}

/// What reading that clock costs by itself.
double clock_cost_us() {
  constexpr int kReadings = 100'000;
  const double begin = cpu_seconds();
  for (int i = 0; i < kReadings; ++i) (void)cpu_seconds();
  return (cpu_seconds() - begin) * 1e6 / kReadings;
}

/// What a fit costs is not the core's time: in a server it is another process's.
ForecastFitted no_fit(const FitRequest& request) {
  return {request.queue, request.serial, {}};
}

struct Load {
  SimulationOptions world;
  std::vector<Arrival> arrivals;
};

Load make_load(std::uint32_t queues, double messages_per_second, Duration length) {
  Load load;
  load.world.length = length;
  load.world.fit = no_fit;
  std::vector<ArrivalPattern> patterns;
  for (std::uint32_t i = 0; i < queues; ++i) {
    SimulatedQueue queue;
    queue.id = QueueId(i + 1);
    queue.service_time = DurationDistribution::log_normal(50ms, 0.5);
    load.world.queues.push_back(queue);
    FunctionSettings function;
    function.id = FunctionId(i + 1);
    load.world.configuration.functions.push_back(function);
    MappingSettings mapping;
    mapping.queue = queue.id;
    mapping.function = function.id;
    load.world.configuration.mappings.push_back(mapping);
    ArrivalPattern pattern;
    pattern.queue = i;
    pattern.kind = static_cast<PatternKind>(i % 4);
    pattern.rate_per_second = messages_per_second / queues;
    pattern.size = static_cast<std::uint32_t>(std::max(1.0, pattern.rate_per_second * 60));
    patterns.push_back(pattern);
  }
  load.world.configuration.instances_max = queues * 100;
  load.arrivals = generate_arrivals(patterns, length, 1);
  return load;
}

struct Step {
  float us = 0;
  std::uint8_t event_kind = 0;
};

/// The time of every single step of the core, by itself.
std::vector<Step> time_steps(const Load& load) {
  const auto source = make_arrival_list(load.arrivals);
  SimulatedWorld world(load.world, *source);
  Orchestrator core(Orchestrator::Options{});
  Actions actions;
  std::vector<Step> steps;
  steps.reserve(load.arrivals.size() * 5);
  const double clock_us = clock_cost_us();
  while (const std::optional<TimedEvent> event = world.next(core.wake_at())) {
    actions.clear();
    const double begin = cpu_seconds();
    core.step(event->time, event->event, actions);
    const double us = std::max(0.0, (cpu_seconds() - begin) * 1e6 - clock_us);
    steps.push_back({static_cast<float>(us), static_cast<std::uint8_t>(event->event.index())});
    world.perform(*event, actions);
  }
  return steps;
}

/// The same steps several times over; of each the best time counts, because what the machine adds to a step
/// (interrupts, page faults) it adds to another one in the next round, and what the core does it does again.
void measure_core(std::uint32_t queues, double rate, Duration length) {
  constexpr int kRounds = 3;
  const Load load = make_load(queues, rate, length);
  const auto messages = static_cast<double>(load.arrivals.size());
  std::vector<Step> steps = time_steps(load);
  double first_round_us = 0;
  for (const Step& step : steps) first_round_us += static_cast<double>(step.us);
  for (int round = 1; round < kRounds; ++round) {
    const std::vector<Step> again = time_steps(load);
    if (again.size() != steps.size()) std::abort();  // the same events give the same decisions
    for (std::size_t i = 0; i < steps.size(); ++i) steps[i].us = std::min(steps[i].us, again[i].us);
  }
  double spent = 0;
  for (const Step& step : steps) spent += static_cast<double>(step.us);
  // The first events create queues; a server does that before there are messages.
  steps.erase(steps.begin(), steps.begin() + queues + 1);
  std::ranges::sort(steps, {}, &Step::us);
  const auto at = [&](double level) {
    return static_cast<double>(
        steps[static_cast<std::size_t>(level * static_cast<double>(steps.size() - 1))].us);
  };
  const auto over = std::ranges::count_if(steps, [](const Step& step) { return step.us > 100; });
  std::printf(
      "core, %u queues: %.0f messages, %zu steps; %.2f us of core a message (target <= 4), first of %d "
      "rounds %.2f\n",
      queues, messages, steps.size(), spent / messages, kRounds, first_round_us / messages);
  std::printf(
      "  a step: p50 %.2f, p99 %.2f, p99.9 %.2f, p99.99 %.2f, max %.1f us (event kind %u); %td over 100 us "
      "(target 0)\n",
      at(0.5), at(0.99), at(0.999), at(0.9999), at(1), static_cast<unsigned>(steps.back().event_kind), over);
}

void measure_replay(std::uint32_t queues, double rate, Duration length) {
  Load load = make_load(queues, rate, length);
  const std::size_t messages = load.arrivals.size();
  const auto source = make_arrival_list(std::move(load.arrivals));
  const double begin = cpu_seconds();
  const SimulationResult result = run_simulation(load.world, *source, {});
  const double took = cpu_seconds() - begin;
  std::printf(
      "replay, %u queues: %zu messages, %llu events in %.2f s of one core: %.0f events/s (target >= "
      "500,000)\n",
      queues, messages, static_cast<unsigned long long>(result.events), took,
      static_cast<double>(result.events) / took);
}

}  // namespace

/// One argument scales the amount of work (default 1).
int main(int argc, char** argv) {
  const double scale = argc > 1 ? std::atof(argv[1]) : 1;
  measure_replay(1, 2000, from_seconds(300 * scale));
  measure_replay(10, 2000, from_seconds(300 * scale));
  measure_replay(1000, 2000, from_seconds(300 * scale));
  measure_core(1000, 2000, from_seconds(300 * scale));
  return 0;
}
