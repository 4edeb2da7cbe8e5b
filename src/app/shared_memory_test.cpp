#include <gtest/gtest.h>

#include "app/replay.h"
#include "app/replay_report.h"
#include "sim/arrivals.h"
#include "sim/bounds/memory_bound.h"
#include "sim/policies.h"
#include "sim/simulation.h"

namespace forewarm {
namespace {

constexpr std::uint64_t kMebibyte = std::uint64_t{1} << 20;

/// Ten functions of different sizes on a machine that holds a part of them.
TEST(SharedMemory, NoPolicyIsBetterThanTheOneThatKnowsAll) {
  SimulationOptions world;
  world.length = 20min;
  world.settle = 1h;
  world.start_time = DurationDistribution::fixed(2s);
  world.configuration.memory_max_bytes = 1024 * kMebibyte;
  std::vector<ArrivalPattern> patterns;
  for (std::uint32_t i = 0; i < 10; ++i) {
    SimulatedQueue queue{
        .id = QueueId(i + 1), .settings = {}, .service_time = DurationDistribution::fixed(4s)};
    FunctionSettings function;
    function.id = FunctionId(i + 1);
    function.start_time_guess = 2s;
    function.variants = {FunctionVariant{(128 + 64 * (i % 4)) * kMebibyte}};
    MappingSettings mapping;
    mapping.queue = queue.id;
    mapping.function = function.id;
    world.queues.push_back(queue);
    world.configuration.functions.push_back(function);
    world.configuration.mappings.push_back(mapping);
    patterns.push_back({.queue = i, .rate_per_second = 0.01 + 0.015 * i});
  }
  const std::vector<Arrival> list = generate_arrivals(patterns, world.length, 5);
  std::vector<std::vector<Job>> jobs(world.queues.size());
  for (const Arrival& arrival : list) jobs[arrival.queue].push_back({seconds(arrival.at), 4});
  std::vector<MemoryQueue> queues;
  for (std::size_t i = 0; i < jobs.size(); ++i)
    queues.push_back(
        {.jobs = jobs[i], .start_seconds = 2, .memory = static_cast<double>(128 + 64 * (i % 4))});
  const auto bound =
      memory_bound({.queues = queues, .memory_max = 1024, .slack_seconds = 0.5, .from = 0, .to = 1200});
  ASSERT_TRUE(bound);
  EXPECT_GT(*bound, 5);
  for (const char* policy : {"faascache", "reactive", "keep-alive:10m"}) {
    const auto arrivals = make_arrival_list(list);
    RunOptions options{.make_scaler = parse_policy(policy)->make_scaler};
    options.invariants = true;
    const SimulationResult result = run_simulation(world, *arrivals, options);
    EXPECT_TRUE(result.violations.empty()) << policy << ": " << result.violations.front();
    EXPECT_EQ(result.total.started, list.size()) << policy;
    EXPECT_GE(static_cast<double>(result.total.late), *bound) << policy;
    RecordProperty(policy, static_cast<int>(result.total.late));
  }
  RecordProperty("bound", static_cast<int>(*bound));
}

TEST(SharedMemory, AReplaySaysWhatItMakesLate) {
  Trace trace;
  trace.length = 10min;
  for (const char* name : {"a", "b", "c"}) trace.queues.push_back({name, {}});
  for (int second = 0; second < 600; second += 20) {
    for (std::uint32_t queue = 0; queue < 3; ++queue)
      trace.arrivals.push_back({.at = std::chrono::seconds(second), .queue = queue, .service_time = 5s});
  }
  ReplayOptions options;
  options.policies = {"faascache", "reactive"};
  options.memory_max_mb = 256;
  const Result<ReplayReport> report = replay(trace, options);
  ASSERT_TRUE(report);
  ASSERT_TRUE(report->late_messages);
  EXPECT_NEAR(*report->late_messages, 30, 1e-6) << "two of three that come together";
  for (const PolicyResult& policy : report->policies)
    EXPECT_GE(policy.result.total.late, 30U) << policy.policy;
  EXPECT_NE(replay_table(*report).find("Within 256 MiB at least 30 messages are late"), std::string::npos);
}

}  // namespace
}  // namespace forewarm
