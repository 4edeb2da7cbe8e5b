#include "routing/ours.h"

#include <algorithm>

#include "sim/simulation.h"

namespace forewarm::bench {
namespace {

constexpr QueueId kQueue(1);
constexpr FunctionId kFunction(1);
constexpr Duration kSettle = 2h;

class Recorder : public Watcher {
 public:
  Recorder(OurRun& out, const OurOptions& options, Duration from, Duration until)
      : out_(out), options_(options), from_(from), until_(until) {
    out_.variant_seconds.resize(options.variants.size());
  }

  void observe(const TimedEvent& event, const Actions& actions) override {
    const Duration now = event.time - time_point_us(0);
    if (const auto* finished = std::get_if<RunFinished>(&event.event)) {
      if (std::vector<MessageId>* messages = running_.find(finished->run)) {
        for (const MessageId id : *messages) out_.served[id.value() - 1].end = now;
        running_.erase(finished->run);
      }
    }
    if (const auto* lost = std::get_if<InstanceLost>(&event.event)) close(lost->instance, now);
    for (const Action& action : actions) {
      if (const auto* start = std::get_if<StartInstance>(&action)) {
        instances_.insert(start->instance, {start->variant, now});
        alive_.push_back(start->instance);
      } else if (const auto* stop = std::get_if<StopInstance>(&action)) {
        if (stop->reason == ScaleReason::Slow || stop->reason == ScaleReason::Failing) ++out_.slow_stops;
      } else if (const auto* run = std::get_if<Run>(&action)) {
        ++out_.runs;
        std::vector<MessageId>& messages = running_.insert(run->run, {});
        for (const Lease& lease : run->leases) {
          messages.push_back(lease.message);
          Served& served = out_.served[lease.message.value() - 1];
          if (served.start < Duration(0)) served.start = now;
        }
      }
    }
  }
  void finish(Duration now) {
    for (const InstanceId id : std::vector<InstanceId>(alive_)) close(id, now);
  }

 private:
  struct Life {
    std::uint16_t variant = 0;
    Duration since = Duration(0);
  };

  void close(InstanceId id, Duration now) {
    const Life* life = instances_.find(id);
    if (life == nullptr) return;
    const Duration charged = std::min(now, until_) - std::max(life->since, from_);
    const double lived = std::max(0.0, seconds(charged));
    out_.variant_seconds[life->variant] += lived;
    out_.gigabyte_seconds +=
        lived * static_cast<double>(options_.variants[life->variant].memory_bytes) / (1ULL << 30);
    instances_.erase(id);
    std::erase(alive_, id);
  }

  OurRun& out_;
  const OurOptions& options_;
  Duration from_, until_;
  IdMap<InstanceId, Life> instances_;
  std::vector<InstanceId> alive_;
  IdMap<RunId, std::vector<MessageId>> running_;
};

SimulationOptions world_of(const OurOptions& options, Duration length) {
  SimulationOptions world;
  world.seed = options.seed;
  world.length = length;
  world.settle = kSettle;
  world.work_time = options.work_time;
  FunctionSettings function;
  function.id = kFunction;
  function.variants = options.variants;
  function.concurrency_max = options.instances;
  function.timeout = 24h * 365;
  world.configuration.functions = {function};
  MappingSettings mapping;
  mapping.queue = kQueue;
  mapping.function = kFunction;
  mapping.scaling.objective = options.objective;
  mapping.scaling.instances_min = options.instances;
  mapping.scaling.instances_max = options.instances;
  mapping.scaling.predict = false;
  world.configuration.mappings = {mapping};
  world.configuration.instances_max = options.instances + 1;
  world.queues = {{.id = kQueue, .settings = {}}};
  world.queues[0].settings.retention = 24h * 3650;
  return world;
}

}  // namespace

OurRun run_ours(const std::vector<Arrival>& arrivals, const OurOptions& options, Duration from,
                Duration until) {
  OurRun out;
  std::vector<Arrival> played = arrivals;
  for (Arrival& arrival : played) {
    out.served.push_back(
        {.due = arrival.at + arrival.delay,
         .objective = arrival.objective < Duration(0) ? options.objective : arrival.objective,
         .tenant = arrival.tenant,
         .priority = arrival.priority});
    if (options.classes) continue;
    arrival.tenant = {};
    arrival.priority = kPriorityDefault;
    arrival.objective = Duration(-1);
  }
  const Duration length = arrivals.empty() ? Duration(0) : arrivals.back().at;
  const SimulationOptions world = world_of(options, length);
  Recorder recorder(out, options, from, until);
  RunOptions run;
  run.watchers = {&recorder};
  const auto source = make_arrival_list(std::move(played));
  run_simulation(world, *source, run);
  recorder.finish(length + kSettle);
  return out;
}

}  // namespace forewarm::bench
