// Ten thousand queues on one core: what a second of their life costs the core, and a decision of each of
// them.

#include <malloc.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <numeric>
#include <variant>
#include <vector>

#include "core/orchestrator.h"
#include "sim/simulated_world.h"

using namespace forewarm;

namespace {

constexpr double kRate = 2000;             // messages a second, over all queues
constexpr double kSecondBoundSeconds = 1;  // a second of the fleet's life must cost less of a core
constexpr double kDecisionBoundUs = 50;

/// Processor time, because on a shared machine a step may be interrupted for milliseconds.
double cpu_us() {
  timespec spec{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &spec);
  return static_cast<double>(spec.tv_sec) * 1e6 + static_cast<double>(spec.tv_nsec) * 1e-3;
}

double clock_cost_us() {
  constexpr int kReadings = 100'000;
  const double begin = cpu_us();
  for (int i = 0; i < kReadings; ++i) (void)cpu_us();
  return (cpu_us() - begin) / kReadings;
}

double heap_bytes() {
  const struct mallinfo2 info = mallinfo2();
  return static_cast<double>(info.uordblks) + static_cast<double>(info.hblkhd);
}

/// Every queue has a forecast and so decides by it; what a fit costs is another process's time.
ForecastFitted flat_fit(const FitRequest& request) {
  double sum = 0;
  for (const float value : request.arrivals) sum += value == value ? static_cast<double>(value) : 0;
  const double mean = sum / static_cast<double>(std::max<std::size_t>(1, request.arrivals.size()));
  ModelForecast forecast{.model = ModelId::SeasonalQuantiles, .forecast = {}};
  forecast.forecast.step = request.step;
  forecast.forecast.start = request.start + request.step * static_cast<std::int64_t>(request.arrivals.size());
  for (std::uint32_t h = 0; h < request.horizon; ++h) {
    for (const double times : {0.1, 0.3, 0.5, 0.8, 1.0, 1.2, 1.6, 2.0, 2.5})
      forecast.forecast.values.push_back(static_cast<float>(mean * times));
  }
  return {request.queue, request.serial, {std::move(forecast)}};
}

/// The k-th most popular queue gets 1 / k of what the first one gets; half of them steadily, half in bursts.
SimulationOptions make_fleet(std::uint32_t queues, Duration length, Duration step,
                             std::vector<Arrival>& arrivals) {
  SimulationOptions world;
  world.length = length;
  world.fit = flat_fit;
  world.configuration.instances_max = 10 * queues;
  world.configuration.forecast.step = step;
  double shares = 0;
  for (std::uint32_t i = 0; i < queues; ++i) shares += 1.0 / (i + 1);
  std::vector<ArrivalPattern> patterns;
  for (std::uint32_t i = 0; i < queues; ++i) {
    SimulatedQueue queue;
    queue.id = QueueId(i + 1);
    queue.service_time = DurationDistribution::log_normal(200ms, 0.5);
    world.queues.push_back(queue);
    FunctionSettings function;
    function.id = FunctionId(i + 1);
    world.configuration.functions.push_back(function);
    MappingSettings mapping;
    mapping.queue = queue.id;
    mapping.function = function.id;
    world.configuration.mappings.push_back(mapping);
    ArrivalPattern pattern;
    pattern.queue = i;
    pattern.kind = i % 2 == 0 ? PatternKind::Poisson : PatternKind::Bursts;
    pattern.rate_per_second = kRate / shares / (i + 1);
    pattern.period = 5min;
    pattern.size = static_cast<std::uint32_t>(std::clamp(pattern.rate_per_second * 60, 1.0, 1000.0));
    patterns.push_back(pattern);
  }
  arrivals = generate_arrivals(patterns, length, 1);
  return world;
}

/// Processor time of steps of one kind.
struct Spent {
  std::vector<float> us;

  double sum() const { return std::accumulate(us.begin(), us.end(), 0.0); }
  double at(double level) {
    if (us.empty()) return 0;
    const auto place = us.begin() + static_cast<std::ptrdiff_t>(level * static_cast<double>(us.size() - 1));
    std::ranges::nth_element(us, place);
    return static_cast<double>(*place);
  }
  void print(const char* name, const char* end) {
    std::printf(
        "    \"%s\": {\"steps\": %zu, \"p50_us\": %.2f, \"p99_us\": %.2f, \"max_us\": %.1f, \"cpu_seconds\": "
        "%.3f}%s\n",
        name, us.size(), at(0.5), at(0.99), at(1), sum() * 1e-6, end);
  }
};

/// What the measured part of a fleet's life came to.
struct Life {
  Spent ticks;     ///< time passed: each decides for one queue at most
  Spent messages;  ///< arrivals, runs that end, instances that are ready
  Spent fits;      ///< forecasts that come back
  std::size_t arrivals = 0;
};

/// The first part is for being started and for forecasts; it is not counted.
Life live(const SimulationOptions& options, SimulatedWorld& world, Orchestrator& core, Duration counted) {
  const TimePoint from = options.start + options.length - counted;
  const double clock_us = clock_cost_us();
  Life life;
  Actions actions;
  while (const std::optional<TimedEvent> event = world.next(core.wake_at())) {
    actions.clear();
    const double begin = cpu_us();
    core.step(event->time, event->event, actions);
    const auto us = static_cast<float>(std::max(0.0, cpu_us() - begin - clock_us));
    world.perform(*event, actions);
    if (event->time < from) continue;
    life.arrivals += std::holds_alternative<MessageArrived>(event->event) ? 1 : 0;
    Spent& kind = std::holds_alternative<TimePassed>(event->event)       ? life.ticks
                  : std::holds_alternative<ForecastFitted>(event->event) ? life.fits
                                                                         : life.messages;
    kind.us.push_back(us);
  }
  return life;
}

}  // namespace

/// Arguments: how many queues (default 10000), seconds that are counted (default 120), and seconds of the
/// forecasts' step (default 10; at 1 every queue decides every second).
int main(int argc, char** argv) {
  const auto queues = static_cast<std::uint32_t>(argc > 1 ? std::atoi(argv[1]) : 10'000);
  const Duration counted = from_seconds(argc > 2 ? std::atof(argv[2]) : 120);
  const Duration step = argc > 3 ? from_seconds(std::atof(argv[3])) : ForecastSettings{}.step;
  std::vector<Arrival> arrivals;
  const SimulationOptions options = make_fleet(queues, counted + 5min, step, arrivals);
  const auto source = make_arrival_list(std::move(arrivals));
  SimulatedWorld world(options, *source);
  const double before = heap_bytes();
  Orchestrator core(Orchestrator::Options{});
  Life life = live(options, world, core, counted);
  const double bytes = heap_bytes() - before;
  std::uint32_t forecast = 0, planned = 0;
  for (std::uint32_t i = 0; i < queues; ++i) {
    const QueueView view = core.queue(QueueId(i + 1));
    forecast += view.forecast != nullptr ? 1 : 0;
    planned += view.plan.instances > 0 ? 1 : 0;
  }
  const double spent = (life.ticks.sum() + life.messages.sum() + life.fits.sum()) * 1e-6;
  const double a_second = spent / seconds(counted);
  const double decision = life.ticks.sum() / std::max(1.0, static_cast<double>(life.ticks.us.size()));
  const bool kept = a_second < kSecondBoundSeconds && decision < kDecisionBoundUs;
  std::printf(
      "{\n  \"queues\": %u, \"step_seconds\": %g, \"with_forecast\": %u, \"with_instances_planned\": %u,\n",
      queues, seconds(step), forecast, planned);
  std::printf("  \"seconds\": %.0f, \"messages_per_second\": %.0f, \"ticks_per_second\": %.0f,\n",
              seconds(counted), static_cast<double>(life.arrivals) / seconds(counted),
              static_cast<double>(life.ticks.us.size()) / seconds(counted));
  std::printf("  \"core_cpu_seconds_a_second\": %.4f, \"bound\": %.0f, \"times_real_time\": %.1f,\n",
              a_second, kSecondBoundSeconds, 1 / a_second);
  std::printf("  \"decision_mean_us\": %.2f, \"decision_bound_us\": %.0f,\n", decision, kDecisionBoundUs);
  std::printf("  \"heap_bytes_a_queue\": %.0f,\n  \"steps\": {\n", bytes / queues);
  life.ticks.print("ticks", ",");
  life.messages.print("messages", ",");
  life.fits.print("fits", "");
  std::printf("  },\n  \"bounds_kept\": %s\n}\n", kept ? "true" : "false");
  return kept ? 0 : 1;
}
