// What runs were measured to need, in the whole core: who crashes, and what it costs.
#include <gtest/gtest.h>

#include <map>

#include "core/drive.h"
#include "core/orchestrator.h"
#include "sim/arrivals.h"
#include "sim/invariants.h"
#include "sim/simulated_world.h"

namespace forewarm {
namespace {

constexpr QueueId kUploads(1);
constexpr MessageTypeId kPhoto(1), kRaw(2);
constexpr std::uint64_t kMegabyte = 1 << 20;

class Ends : public Watcher {
 public:
  void observe(const TimedEvent& event, const Actions& actions) override {
    if (const auto* finished = std::get_if<RunFinished>(&event.event))
      crashes += finished->error == ErrorClass::Crash ? 1 : 0;
    for (const Action& action : actions) {
      if (const auto* start = std::get_if<StartInstance>(&action)) variant_[start->instance] = start->variant;
      if (const auto* run = std::get_if<Run>(&action)) ++runs[variant_[run->instance]];
      if (const auto* gone = std::get_if<Delete>(&action))
        done += gone->reason == DeleteReason::RunSucceeded ? 1 : 0;
    }
  }
  std::size_t crashes = 0;
  std::size_t done = 0;
  std::map<std::uint16_t, std::size_t> runs;  ///< by variant

 private:
  std::map<InstanceId, std::uint16_t> variant_;
};

/// Photos and, one of twenty, raw images of the same size on the wire, which need six times the memory.
std::vector<Arrival> uploads(std::uint64_t seed) {
  std::vector<Arrival> arrivals = generate_arrivals({{.rate_per_second = 4}}, 30min, seed);
  Random random(seed);
  for (Arrival& arrival : arrivals) {
    arrival.bytes = 1'000;
    arrival.type = random.chance(0.05) ? kRaw : kPhoto;
    arrival.service_time = from_seconds(0.1 + 0.1 * random.uniform());
  }
  return arrivals;
}

Ends play(const std::vector<Arrival>& arrivals, bool measured, std::uint64_t seed) {
  SimulationOptions options;
  options.seed = seed;
  options.length = 1h;
  options.settle = 2h;
  FunctionSettings function;
  function.id = FunctionId(1);
  function.variants = {{.memory_bytes = 128 * kMegabyte}, {.memory_bytes = 512 * kMegabyte}};
  MappingSettings mapping;
  mapping.queue = kUploads;
  mapping.function = function.id;
  mapping.scaling.instances_min = 2;
  mapping.scaling.instances_max = 6;
  options.configuration.functions = {function};
  options.configuration.mappings = {mapping};
  options.queues = {{.id = kUploads, .settings = {}}};
  options.memory_need = [seed](const SimulatedWork& work) {
    Random random(mix_bits(seed ^ static_cast<std::uint64_t>(work.service_time.count())));
    const double megabytes = (work.type == kRaw ? 300 : 50) * (0.9 + 0.2 * random.uniform());
    return static_cast<std::uint64_t>(megabytes * static_cast<double>(kMegabyte));
  };
  options.memory_measured = measured;
  Orchestrator core({.seed = seed, .make_scaler = {}});
  const auto list = make_arrival_list(arrivals);
  SimulatedWorld world(options, *list);
  Ends ends;
  Invariants invariants(Invariants::Options{});
  world.add_watcher(ends);
  world.add_watcher(invariants);
  drive(core, world);
  EXPECT_TRUE(invariants.violations().empty()) << invariants.violations().front();
  return ends;
}

TEST(MemoryLearned, ARareHeavyTypeCrashesFewRunsWhereItIsMeasuredAndManyWhereNot) {
  for (std::uint64_t seed = 1; seed <= 2; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const std::vector<Arrival> arrivals = uploads(seed);
    Ends by_crashes = play(arrivals, false, seed);
    Ends by_need = play(arrivals, true, seed);
    EXPECT_EQ(by_crashes.done, arrivals.size());
    EXPECT_EQ(by_need.done, arrivals.size());
    EXPECT_LE(by_need.crashes, 5U);
    EXPECT_GE(by_crashes.crashes, 10 * by_need.crashes);
    // What is light stays where it is cheap.
    EXPECT_GT(by_need.runs[0], arrivals.size() * 3 / 4);
  }
}

}  // namespace
}  // namespace forewarm
