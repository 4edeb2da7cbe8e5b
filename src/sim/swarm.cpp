#include "sim/swarm.h"

#include <algorithm>

#include "base/random.h"
#include "core/forecast/models/models.h"
#include "core/forecast/seasons.h"

namespace forewarm {
namespace {

constexpr std::uint64_t kMemoryNeeds = 0x3e3;  // a stream of random numbers of its own
constexpr std::uint64_t kMemoryLeast = 64U << 20;

/// A swarm tries what the core does with forecasts and not how good they are: the cheapest model will do.
ForecastFitted fit_seasonal_quantiles(const FitRequest& request) {
  ForecastFitted fitted{.queue = request.queue, .serial = request.serial, .forecasts = {}};
  const std::unique_ptr<Forecaster> model = make_seasonal_quantiles();
  const std::vector<std::uint32_t> seasons = find_seasons(request.arrivals);
  if (model->fit({.start = request.start,
                  .step = request.step,
                  .values = request.arrivals,
                  .regressors = {},
                  .seasons = seasons}))
    fitted.forecasts.push_back({.model = model->id(), .forecast = model->predict(request.horizon, {})});
  return fitted;
}

/// Draws one case, part by part.
class Builder {
 public:
  explicit Builder(std::uint64_t seed) : random_(mix_bits(seed ^ 0x5a4e)) { out_.simulation.seed = seed; }

  SwarmCase build() {
    out_.simulation.start = time_point_us(1'700'000'000'000'000);
    out_.simulation.length = minutes(5, 40);
    out_.simulation.settle = 3h;
    out_.simulation.fit = fit_seasonal_quantiles;
    functions();
    const auto queues = static_cast<std::uint32_t>(1 + random_.below(4));
    for (std::uint32_t i = 0; i < queues; ++i) queue(QueueId(i + 1));
    faults();
    forecast();
    machine();
    script();
    out_.simulation.start_time = DurationDistribution::log_normal(milliseconds(50, 5000), random_.uniform());
    out_.arrivals = generate_arrivals(patterns_, out_.simulation.length, out_.simulation.seed);
    return std::move(out_);
  }

 private:
  bool often() { return random_.chance(0.7); }
  bool sometimes() { return random_.chance(0.3); }
  Duration milliseconds(std::uint64_t least, std::uint64_t most) {
    return std::chrono::milliseconds(least + random_.below(most - least + 1));
  }
  Duration minutes(std::uint64_t least, std::uint64_t most) {
    return std::chrono::minutes(least + random_.below(most - least + 1));
  }
  std::uint32_t number(std::uint64_t least, std::uint64_t most) {
    return static_cast<std::uint32_t>(least + random_.below(most - least + 1));
  }
  double share(double most) { return sometimes() ? random_.uniform() * most : 0; }

  void functions() {
    Configuration& configuration = out_.simulation.configuration;
    const std::uint32_t count = number(1, 3);
    for (std::uint32_t i = 0; i < count; ++i) {
      FunctionSettings function;
      function.id = FunctionId(i + 1);
      function.timeout = often() ? Duration(30s) : milliseconds(200, 2000);
      function.concurrency_max = number(1, 12);
      function.start_time_guess = milliseconds(100, 3000);
      if (often()) function.freeze_after = milliseconds(0, 20'000);
      configuration.functions.push_back(function);
    }
    configuration.instances_max = number(count, 20);
  }

  void queue(QueueId id) {
    SimulatedQueue queue;
    queue.id = id;
    queue.settings.fifo = sometimes();
    queue.settings.visibility_timeout = milliseconds(2000, 60'000);
    if (sometimes()) queue.settings.retention = minutes(2, 30);
    if (often()) {
      const QueueId dead(id.value() + 100);
      queue.settings.redrive = RedrivePolicy{dead, static_cast<std::uint16_t>(number(1, 6))};
      dead_letter_queues_.push_back({id, dead});
    }
    queue.service_time = DurationDistribution::log_normal(milliseconds(1, 2000), random_.uniform());
    const bool mapped = often();
    if (mapped) map(id);
    if (!mapped || out_.simulation.configuration.mappings.back().shared_consumers) clients(queue);
    pattern(static_cast<std::uint32_t>(out_.simulation.queues.size()), queue.settings.fifo);
    const auto& redrive = queue.settings.redrive;
    out_.simulation.queues.push_back(queue);
    if (redrive) {
      SimulatedQueue dead;
      dead.id = redrive->dead_letter_queue;
      dead.settings.fifo = queue.settings.fifo;
      out_.simulation.queues.push_back(dead);
    }
  }

  void map(QueueId id) {
    MappingSettings mapping;
    mapping.queue = id;
    Configuration& configuration = out_.simulation.configuration;
    mapping.function = configuration.functions[random_.below(configuration.functions.size())].id;
    if (sometimes()) mapping.batch_size = number(2, 10);
    if (sometimes()) mapping.batch_window = milliseconds(0, 3000);
    mapping.shared_consumers = random_.chance(0.15);
    mapping.scaling.instances_max = number(1, 10);
    if (sometimes()) mapping.scaling.instances_min = number(0, std::min(2U, mapping.scaling.instances_max));
    mapping.scaling.predict = often();
    mapping.scaling.objective = milliseconds(50, 5000);
    if (sometimes()) mapping.scaling.keep_idle_max = milliseconds(1000, 60'000);
    if (sometimes()) mapping.retry.attempts_max = static_cast<std::uint16_t>(number(1, 8));
    mapping.retry.backoff_max = 2min;
    configuration.mappings.push_back(mapping);
  }

  void clients(SimulatedQueue& queue) {
    ClientOptions& options = queue.clients;
    options.clients = number(1, 4);
    options.visibility_timeout = queue.settings.visibility_timeout;
    options.wait = milliseconds(0, 20'000);
    options.messages_max = static_cast<std::uint16_t>(number(1, 10));
    options.work_mean = milliseconds(10, 3000);
    options.dies = share(0.2);
    options.gives_back = share(0.2);
    options.extends = share(0.3);
    options.too_late = share(0.2);
    options.deletes_twice = share(0.3);
    options.cancels = share(0.4);
  }

  void pattern(std::uint32_t index, bool fifo) {
    ArrivalPattern pattern;
    pattern.queue = index;
    pattern.kind = static_cast<PatternKind>(random_.below(4));
    pattern.rate_per_second = 0.02 + random_.uniform() * 1.5;
    pattern.period = milliseconds(10'000, 300'000);
    pattern.spread = milliseconds(0, 5000);
    pattern.size = number(1, 40);
    if (sometimes()) pattern.tenants = number(1, 5);
    if (fifo) pattern.groups = number(1, 6);
    pattern.urgent_share = share(0.3);
    if (!fifo) pattern.delayed_share = share(0.3);
    patterns_.push_back(pattern);
  }

  void faults() {
    if (random_.chance(0.2)) return;
    FaultOptions& faults = out_.simulation.faults;
    faults.start_failure = share(0.5);
    faults.crash_idle_per_hour = share(30);
    faults.crash_busy = share(0.1);
    faults.lost_busy = share(0.1);
    faults.slow_run = share(0.05);
    faults.handler_failure = share(0.3);
    faults.poison = share(0.05);
    faults.capacity = share(0.2);
    faults.fit_failure = share(1);
    faults.fit_lost = share(0.5);
    faults.clock_jumps_per_hour = share(4);
  }

  void machine() {
    Configuration& configuration = out_.simulation.configuration;
    std::uint64_t largest = 0;
    for (FunctionSettings& function : configuration.functions) {
      std::uint64_t& bytes = function.variants.at(0).memory_bytes;
      bytes = number(1, 16) * kMemoryLeast;
      largest = std::max(largest, bytes);
      function.group_affinity = sometimes();
      if (!sometimes()) continue;
      const FunctionVariant larger{.memory_bytes = bytes * number(1, 4),
                                   .concurrency_max = random_.chance(0.5) ? number(1, 4) : 0};
      largest = std::max(largest, larger.memory_bytes);
      function.variants.push_back(larger);
    }
    out_.simulation.work_time = [](const SimulatedWork& work) {
      const bool helps = work.variant == 1 && work.bytes > 512;
      return helps ? work.service_time / 4 : work.service_time;
    };
    memory_needs();
    if (random_.chance(0.5)) configuration.memory_max_bytes = largest + (std::uint64_t{number(0, 40)} << 26);
    if (!sometimes()) return;
    configuration.starts_per_second = 0.2 + random_.uniform() * 5;
    configuration.starts_burst = number(1, 8);
  }

  /// Larger messages may need what only each function's largest variant has, also if the script halves the
  /// first.
  void memory_needs() {
    Random random = random_.fork(kMemoryNeeds);
    if (!random.chance(0.4)) return;
    std::uint64_t most = UINT64_MAX;
    for (const FunctionSettings& function : out_.simulation.configuration.functions) {
      const std::uint64_t own = function.variants.back().memory_bytes;
      most = std::min(most, function.variants.size() > 1 ? own : own / 2);
    }
    const std::uint64_t small = kMemoryLeast / 2, large = small + random.below(most - small + 1);
    out_.simulation.memory_need = [large, small](const SimulatedWork& work) {
      return work.bytes > 512 ? large : small;
    };
    out_.simulation.memory_measured = random.chance(0.8);
  }

  void forecast() {
    ForecastSettings& forecast = out_.simulation.configuration.forecast;
    forecast.step = std::chrono::seconds(number(5, 60));
    forecast.horizon = static_cast<std::uint16_t>(number(5, 60));
    forecast.history = 720;
    forecast.refit_every = static_cast<std::uint16_t>(number(6, 60));
  }

  void script() {
    std::vector<TimedEvent>& script = out_.simulation.script;
    const auto at = [&] {
      return out_.simulation.start + from_seconds(random_.uniform() * seconds(out_.simulation.length));
    };
    if (sometimes()) {
      const auto& queue = out_.simulation.queues[random_.below(out_.simulation.queues.size())];
      script.push_back({at(), QueuePurged{queue.id}});
    }
    for (const auto& [queue, dead] : dead_letter_queues_) {
      if (sometimes()) script.push_back({at(), RedriveRequested{dead, queue, number(1, 100)}});
    }
    if (sometimes()) {
      Configuration changed = out_.simulation.configuration;
      for (FunctionSettings& function : changed.functions) {
        if (sometimes()) ++function.version;
        if (sometimes()) ++function.concurrency_max;
        if (sometimes()) function.freeze_after.reset();
        if (sometimes()) function.freeze_after = milliseconds(0, 60'000);
        if (sometimes()) function.variants.at(0).memory_bytes /= 2;
      }
      script.push_back({at(), ConfigurationChanged{changed}});
    }
    std::ranges::sort(script, {}, &TimedEvent::time);
  }

  Random random_;
  SwarmCase out_;
  std::vector<ArrivalPattern> patterns_;
  std::vector<std::pair<QueueId, QueueId>> dead_letter_queues_;
};

}  // namespace

SwarmCase make_swarm_case(std::uint64_t seed) {
  return Builder(seed).build();
}

}  // namespace forewarm
