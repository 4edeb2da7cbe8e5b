#include "app/replay.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <map>
#include <mutex>
#include <numeric>
#include <thread>
#include <utility>

#include "app/replay_world.h"
#include "edge/trace/trace.h"
#include "sim/bounds/memory_bound.h"
#include "sim/bounds/slack_bound.h"
#include "sim/bounds/zero_wait.h"
#include "sim/policies.h"

namespace forewarm {
namespace {

/// For each queue the fewest instances that are too few in at most 1 % of its busy minutes.
std::vector<std::uint32_t> static_sizes(const Trace& trace, const SimulationOptions& world, double speed) {
  constexpr double kMinute = 60;
  std::vector<std::map<std::int64_t, double>> work(trace.queues.size());
  std::vector<double> mean(trace.queues.size());
  for (std::size_t i = 0; i < trace.queues.size(); ++i) {
    Random random(mix_bits(i));
    for (int n = 0; n < 200; ++n) mean[i] += seconds(world.queues[i].service_time.draw(random)) / 200;
  }
  for (const TraceArrival& arrival : trace.arrivals) {
    const auto minute = static_cast<std::int64_t>(seconds(arrival.at) / speed / kMinute);
    const double takes =
        arrival.service_time >= Duration(0) ? seconds(arrival.service_time) : mean[arrival.queue];
    work[arrival.queue][minute] += takes;
  }
  std::vector<std::uint32_t> sizes;
  for (const auto& minutes : work) {
    std::vector<double> loads;
    loads.reserve(minutes.size());
    for (const auto& [minute, busy] : minutes) loads.push_back(busy / kMinute);
    std::ranges::sort(loads);
    const double load = loads.empty() ? 0 : loads[(loads.size() - 1) * 99 / 100];
    sizes.push_back(std::max(1U, static_cast<std::uint32_t>(std::ceil(load))));
  }
  return sizes;
}

Result<Policy> policy_of(const std::string& name, const Trace& trace, const SimulationOptions& world,
                         double speed) {
  if (name != "static") return parse_policy(name);
  std::vector<ScalerFactory> each;
  for (const std::uint32_t size : static_sizes(trace, world, speed)) {
    Result<Policy> policy = parse_policy("static:" + std::to_string(size));
    if (!policy) return std::unexpected(policy.error());
    each.push_back(std::move(policy->make_scaler));
  }
  return Policy{.name = name, .make_scaler = [each = std::move(each)](const MappingSettings& mapping) {
                  return each[mapping.queue.value() - 1](mapping);
                }};
}

/// A width that a person would choose, for at most 240 columns.
Duration bucket_of(Duration length) {
  constexpr std::int64_t kBuckets = 240;
  for (const Duration width :
       {Duration(1s), Duration(5s), Duration(10s), Duration(30s), Duration(1min), Duration(2min),
        Duration(5min), Duration(10min), Duration(30min), Duration(1h), Duration(3h)}) {
    if (length / width <= kBuckets) return width;
  }
  return 24h;
}

/// Only forewarm reads forecasts; fitting for the others would only take time.
ForecastFitted no_fit(const FitRequest& request) {
  return {request.queue, request.serial, {}};
}

/// Of all policies and, as one more, the bound.
class ReplayProgress {
 public:
  explicit ReplayProgress(const ReplayOptions& options)
      : tell_(options.progress), shares_(options.policies.size() + (options.bound ? 1 : 0)) {}

  void tell(std::size_t part, double share, const std::string& what) {
    if (!tell_) return;
    const std::lock_guard lock(mutex_);
    shares_[part] = share;
    tell_(std::accumulate(shares_.begin(), shares_.end(), 0.0) / static_cast<double>(shares_.size()), what);
  }

 private:
  const std::function<void(double, const std::string&)>& tell_;
  std::vector<double> shares_;
  std::mutex mutex_;
};

/// The best bound known for a queue: the exact one where nothing may wait or be late.
double bound_of(std::span<const Job> jobs, const SimulationOptions& world, const ReplayReport& report) {
  const BoundProblem problem{.jobs = jobs,
                             .start_seconds = seconds(world.start_time.mean()),
                             .from = seconds(report.learning),
                             .to = seconds(world.length)};
  if (report.objective <= Duration(0) && report.late_share_max <= 0)
    return zero_wait_optimum(problem).instance_seconds;
  const SlackOptions slack{.slack_seconds = seconds(report.objective), .late_share = report.late_share_max};
  return slack_bound(problem, slack).value_or(0);
}

/// Late messages that the memory makes unavoidable.
std::optional<double> late_messages(std::span<const std::vector<Job>> jobs, const SimulationOptions& world,
                                    const ReplayReport& report) {
  // Of a log-normal with sigma 0.25, two in a million are shorter.
  constexpr double kShortestStart = 0.3;
  std::vector<MemoryQueue> queues;
  for (std::size_t i = 0; i < jobs.size(); ++i) {
    const std::uint64_t bytes = world.configuration.functions[i].variants.front().memory_bytes;
    queues.push_back({.jobs = jobs[i],
                      .start_seconds = kShortestStart * seconds(report.start_time),
                      .memory = static_cast<double>(bytes)});
  }
  return memory_bound({.queues = queues,
                       .memory_max = static_cast<double>(world.configuration.memory_max_bytes),
                       .slack_seconds = seconds(report.objective),
                       .from = seconds(report.learning),
                       .to = seconds(world.length)});
}

std::uint64_t guessed(const Trace& trace) {
  return static_cast<std::uint64_t>(std::ranges::count_if(trace.arrivals, [&](const TraceArrival& arrival) {
    return arrival.service_time < Duration(0) && !trace.queues[arrival.queue].durations;
  }));
}

}  // namespace

Result<ReplayReport> replay(const ReplayOptions& options) {
  const Result<Trace> trace = read_trace(options.trace, {.queues = options.queues, .seed = options.seed});
  if (!trace) return std::unexpected(trace.error());
  return replay(*trace, options);
}

Result<ReplayReport> replay(const Trace& trace, const ReplayOptions& options) {
  SimulationOptions world = replay_world(trace, options);

  std::vector<Policy> policies;
  for (const std::string& policy : options.policies) {
    Result<Policy> made = policy_of(policy, trace, world, options.speed);
    if (!made) return std::unexpected(made.error());
    policies.push_back(std::move(*made));
  }

  ReplayReport report{.trace = options.trace,
                      .queues = {},
                      .messages = trace.arrivals.size(),
                      .length = world.length,
                      .bucket = bucket_of(world.length + kReplaySettle),
                      .start_time = options.start_time,
                      .objective = options.objective,
                      .late_share_max = options.late_share_max,
                      .speed = options.speed,
                      .seed = options.seed,
                      .guessed_service_times = guessed(trace),
                      .prices = options.prices,
                      .policies = {},
                      .bounds = {},
                      .memory_max_mb = options.memory_max_mb};
  for (const TraceQueue& queue : trace.queues) report.queues.push_back(queue.name);
  report.learning = from_seconds(seconds(world.length) * (1 - std::clamp(options.scored, 0.0, 1.0)));
  ReplayProgress progress(options);
  report.policies.resize(policies.size());
  const auto run_policy = [&](std::size_t i) {
    SimulationOptions own = world;
    if (!options.policies[i].starts_with("forewarm")) own.fit = no_fit;
    for (FunctionSettings& function : own.configuration.functions)
      function.freeze_after = policies[i].freeze_after;
    TraceArrivals arrivals(trace, options.speed);
    RunOptions run{.make_scaler = policies[i].make_scaler,
                   .bucket = report.bucket,
                   .score_from = report.learning,
                   .score_until = world.length + 1ms};  // the last message comes at the end
    if (options.prices) run.billing = options.prices->billing;
    run.progress = [&](double share) { progress.tell(i, share, options.policies[i]); };
    const auto begin = std::chrono::steady_clock::now();
    SimulationResult result = run_simulation(own, arrivals, run);
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
    Cost cost;
    if (options.prices) cost = cost_of(*options.prices, result.queues, report.scored());
    report.policies[i] = {options.policies[i], std::move(result), cost, took.count()};
    progress.tell(i, 1, options.policies[i]);
  };
  side_by_side(policies.size(), options.threads, run_policy);
  if (!options.bound) return report;

  TraceArrivals arrivals(trace, options.speed);
  const std::vector<std::vector<Job>> jobs = jobs_of(world, arrivals);
  report.bounds.resize(jobs.size());
  std::atomic<std::size_t> bounded = 0;
  side_by_side(jobs.size(), options.threads, [&](std::size_t queue) {
    report.bounds[queue] = bound_of(jobs[queue], world, report);
    const auto done = static_cast<double>(++bounded);
    progress.tell(policies.size(), done / static_cast<double>(jobs.size()), "clairvoyant bound");
  });
  if (options.memory_max_mb > 0) report.late_messages = late_messages(jobs, world, report);
  return report;
}

std::vector<LostQueue> lost_queues(const ReplayReport& report) {
  constexpr double kClearly = 0.95;
  std::vector<LostQueue> lost;
  for (std::size_t q = 0; q < report.queues.size(); ++q) {
    const QueueLedger& ours = report.policies.front().result.queues[q];
    for (std::size_t p = 1; p < report.policies.size(); ++p) {
      const QueueLedger& other = report.policies[p].result.queues[q];
      if (other.late > ours.late || other.instance_seconds() > ours.instance_seconds()) continue;
      const bool clearly = static_cast<double>(other.late) < kClearly * static_cast<double>(ours.late) ||
                           other.instance_seconds() < kClearly * ours.instance_seconds();
      if (!clearly) continue;
      lost.push_back({.queue = q, .policy = p});
      break;
    }
  }
  const auto messages = [&](const LostQueue& entry) {
    return report.policies.front().result.queues[entry.queue].messages;
  };
  std::ranges::sort(lost, [&](const LostQueue& a, const LostQueue& b) {
    return messages(a) != messages(b) ? messages(a) > messages(b) : a.queue < b.queue;
  });
  return lost;
}

}  // namespace forewarm
