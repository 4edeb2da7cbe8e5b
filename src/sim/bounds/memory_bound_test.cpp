#include "sim/bounds/memory_bound.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "base/random.h"

namespace forewarm {
namespace {

struct Case {
  std::vector<std::vector<Job>> jobs;
  std::vector<MemoryQueue> queues;
  double memory_max = 1;

  void add(std::vector<Job> of_queue, double start, double memory, double cost = 1) {
    jobs.push_back(std::move(of_queue));
    queues.push_back({.jobs = {}, .start_seconds = start, .memory = memory, .late_cost = cost});
    for (std::size_t q = 0; q < queues.size(); ++q) queues[q].jobs = jobs[q];
  }
  double bound(double slack = 0, std::size_t moments = 400) const {
    return memory_bound({.queues = queues,
                         .memory_max = memory_max,
                         .slack_seconds = slack,
                         .from = 0,
                         .to = 1000,
                         .moments = moments})
        .value();
  }
};

/// The least cost by trying every set of messages that are in time. Whole seconds; nothing may wait. An
/// instance is there in every second from its start, at the second that comes a start before its first
/// message.
double by_trying_all(const Case& given) {
  struct Flat {
    std::size_t queue;
    Job job;
  };
  std::vector<Flat> all;
  for (std::size_t q = 0; q < given.jobs.size(); ++q) {
    for (const Job& job : given.jobs[q]) all.push_back({q, job});
  }
  constexpr int kBefore = 10, kSeconds = 60;
  double best = 1e9;
  for (std::uint32_t in_time = 0; in_time < 1U << all.size(); ++in_time) {
    double cost = 0;
    std::vector<std::vector<int>> busy(given.jobs.size(), std::vector<int>(kSeconds + kBefore));
    for (std::size_t i = 0; i < all.size(); ++i) {
      if ((in_time >> i & 1U) == 0) {
        cost += given.queues[all[i].queue].late_cost;
        continue;
      }
      const int begin = static_cast<int>(all[i].job.at) + kBefore;
      for (int t = begin; t < begin + static_cast<int>(all[i].job.service); ++t)
        ++busy[all[i].queue][static_cast<std::size_t>(t)];
    }
    bool fits = true;
    for (int t = 0; t < kSeconds + kBefore; ++t) {
      double memory = 0;
      for (std::size_t q = 0; q < busy.size(); ++q) {
        int instances = 0;
        const int later =
            std::min(t + static_cast<int>(given.queues[q].start_seconds), kSeconds + kBefore - 1);
        for (int u = t; u <= later; ++u)
          instances = std::max(instances, busy[q][static_cast<std::size_t>(u)]);
        memory += given.queues[q].memory * instances;
      }
      fits = fits && memory <= given.memory_max;
    }
    if (fits) best = std::min(best, cost);
  }
  return best;
}

TEST(MemoryBound, IsNothingWhereAllFits) {
  Case roomy;
  roomy.add({{1, 2}, {1, 2}, {5, 1}}, 3, 2);
  roomy.add({{4, 2}}, 1, 3);
  roomy.memory_max = 7;
  EXPECT_NEAR(roomy.bound(), 0, 1e-9);
}

TEST(MemoryBound, IsWhatCannotBeThereAtOnce) {
  Case tight;
  tight.add({{10, 5}}, 1, 1);
  tight.add({{12, 5}}, 1, 1);
  tight.memory_max = 1;
  EXPECT_NEAR(tight.bound(), 1, 1e-9);
  tight.queues[0].late_cost = 7;
  tight.queues[1].late_cost = 3;
  EXPECT_NEAR(tight.bound(), 3, 1e-9) << "the dearer one is in time";
  EXPECT_NEAR(tight.bound(3), 3, 1e-9) << "the first is done at 15, and another started at 16";
  EXPECT_NEAR(tight.bound(4), 0, 1e-9);
}

TEST(MemoryBound, CountsTheTimeOfTheStart) {
  Case tight;
  tight.add({{10, 5}}, 1, 1);
  tight.add({{17, 5}}, 2, 1);
  tight.memory_max = 1;
  EXPECT_NEAR(tight.bound(), 0, 1e-9) << "started when the first is done";
  tight.queues[1].start_seconds = 3;
  EXPECT_NEAR(tight.bound(), 1, 1e-9);
}

TEST(MemoryBound, KnowsThatALargeInstanceNeverFits) {
  Case tight;
  tight.add({{10, 5}, {30, 5}}, 1, 3);
  tight.memory_max = 2;
  EXPECT_NEAR(tight.bound(), 2, 1e-9);
}

TEST(MemoryBound, IsNeverAboveTheBestOfAllChoices) {
  Random random(9);
  double bounds = 0, costs = 0;
  for (int repeat = 0; repeat < 150; ++repeat) {
    Case drawn;
    const std::size_t queues = 1 + random.below(3);
    for (std::size_t q = 0; q < queues; ++q) {
      std::vector<Job> jobs;
      for (std::uint64_t i = random.below(4); i-- > 0;)
        jobs.push_back({static_cast<double>(random.below(15)), 1.0 + static_cast<double>(random.below(5))});
      std::ranges::sort(jobs, {}, &Job::at);
      drawn.add(jobs, static_cast<double>(random.below(5)), 1.0 + static_cast<double>(random.below(4)),
                1.0 + static_cast<double>(random.below(3)));
    }
    drawn.memory_max = 1.0 + static_cast<double>(random.below(8));
    const double cost = by_trying_all(drawn), bound = drawn.bound();
    ASSERT_LE(bound, cost + 1e-6) << repeat;
    ASSERT_LE(drawn.bound(0, 2), bound + 1e-6) << "fewer moments say less";
    ASSERT_LE(drawn.bound(2), bound + 1e-6) << "who may wait is late less";
    bounds += bound;
    costs += cost;
  }
  EXPECT_GT(costs, 50);
  EXPECT_GT(bounds, 0.8 * costs);
}

}  // namespace
}  // namespace forewarm
