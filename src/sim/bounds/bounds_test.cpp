#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <vector>

#include "base/random.h"
#include "sim/bounds/slack_bound.h"
#include "sim/bounds/zero_wait.h"

namespace forewarm {
namespace {

/// Whole seconds, so that a dynamic programme over seconds is exact.
std::vector<Job> random_jobs(Random& random, int length, int most) {
  std::vector<Job> jobs;
  for (int second = 0; second < length; ++second) {
    for (std::uint64_t i = random.below(static_cast<std::uint64_t>(most)); i > 0; --i)
      jobs.push_back({static_cast<double>(second), 1.0 + static_cast<double>(random.below(5))});
    if (random.chance(0.6)) second += static_cast<int>(random.below(6));
  }
  return jobs;
}

/// The optimum by trying every number of instances in every second: n >= jobs at work, n up by one costs
/// `start`, the first second's are there.
double by_dynamic_programme(const std::vector<Job>& jobs, int from, int to, int start) {
  std::vector<int> at_work(static_cast<std::size_t>(to));
  for (const Job& job : jobs) {
    for (int second = static_cast<int>(job.at); second < std::min(to, static_cast<int>(job.at + job.service));
         ++second)
      ++at_work[static_cast<std::size_t>(second)];
  }
  const int most = *std::ranges::max_element(at_work);
  std::vector<double> cost(static_cast<std::size_t>(most) + 1, 0);
  for (int second = from; second < to; ++second) {
    std::vector<double> next(cost.size(), INFINITY);
    for (int n = at_work[static_cast<std::size_t>(second)]; n <= most; ++n) {
      for (int before = 0; before <= most; ++before) {
        const int rise = second == from ? 0 : std::max(0, n - before);
        next[static_cast<std::size_t>(n)] = std::min(
            next[static_cast<std::size_t>(n)], cost[static_cast<std::size_t>(before)] + n + start * rise);
      }
    }
    cost = next;
  }
  return *std::ranges::min_element(cost);
}

TEST(ZeroWaitOptimum, IsThatOfADynamicProgrammeOnRandomJobs) {
  Random random(5);
  for (int repeat = 0; repeat < 2000; ++repeat) {
    const std::vector<Job> jobs = random_jobs(random, 24, 4);
    const int from = static_cast<int>(random.below(6));
    const int to = 18 + static_cast<int>(random.below(12));
    const int start = static_cast<int>(random.below(7));
    if (jobs.empty()) continue;
    const ZeroWait bound = zero_wait_optimum({.jobs = jobs,
                                              .start_seconds = static_cast<double>(start),
                                              .from = static_cast<double>(from),
                                              .to = static_cast<double>(to)});
    ASSERT_NEAR(bound.instance_seconds, by_dynamic_programme(jobs, from, to, start), 1e-9) << repeat;
  }
}

TEST(ZeroWaitOptimum, BridgesAGapOnlyWhereThatIsCheaperThanAStart) {
  const std::vector<Job> jobs = {{0, 1}, {4, 1}, {100, 1}};
  const ZeroWait bound = zero_wait_optimum({.jobs = jobs, .start_seconds = 5, .from = 0, .to = 200});
  EXPECT_DOUBLE_EQ(bound.instance_seconds, 3 + 3 + 5);
  EXPECT_EQ(bound.starts, 1U);
  EXPECT_EQ(bound.peak, 1U);
  EXPECT_EQ(zero_wait_optimum({.jobs = {}, .from = 0, .to = 9}).instance_seconds, 0);
}

double slack_of(const std::vector<Job>& jobs, double start, double slack, double late,
                std::size_t slots = 2000) {
  return slack_bound({.jobs = jobs, .start_seconds = start, .from = 0, .to = 60},
                     {.slack_seconds = slack, .late_share = late, .slots = slots})
      .value();
}

TEST(SlackBound, IsTheZeroWaitOptimumWhereNothingMayWait) {
  Random random(11);
  for (int repeat = 0; repeat < 40; ++repeat) {
    const std::vector<Job> jobs = random_jobs(random, 50, 4);
    const ZeroWait exact = zero_wait_optimum({.jobs = jobs, .start_seconds = 3, .from = 0, .to = 60});
    EXPECT_NEAR(slack_of(jobs, 3, 0, 0), exact.instance_seconds, 1e-6 * (1 + exact.instance_seconds))
        << repeat;
  }
}

TEST(SlackBound, FallsWithTheSlackAndWithTheLateShare) {
  Random random(3);
  const std::vector<Job> jobs = random_jobs(random, 50, 5);
  double before = INFINITY;
  for (const double slack : {0.0, 1.0, 3.0, 10.0}) {
    const double bound = slack_of(jobs, 4, slack, 0);
    EXPECT_LE(bound, before + 1e-6) << slack;
    before = bound;
  }
  EXPECT_LT(slack_of(jobs, 4, 3, 0.1), slack_of(jobs, 4, 3, 0) - 1);
  EXPECT_NEAR(slack_of(jobs, 4, 3, 1), 0, 1e-6);
}

/// First come, first served by `slots` instances that are always there: starts in time or not.
bool all_in_time(const std::vector<Job>& jobs, std::size_t slots, double slack) {
  std::vector<double> free(slots, 0);
  for (const Job& job : jobs) {
    const auto first = std::ranges::min_element(free);
    const double begin = std::max(job.at, *first);
    if (begin > job.at + slack + 1e-9) return false;
    *first = begin + job.service;
  }
  return true;
}

TEST(SlackBound, IsBelowWhatAnyFixedNumberThatKeepsTheObjectiveCosts) {
  Random random(8);
  for (int repeat = 0; repeat < 40; ++repeat) {
    std::vector<Job> jobs = random_jobs(random, 45, 5);
    for (Job& job : jobs) job.at += random.uniform();
    std::ranges::sort(jobs, {}, &Job::at);
    const double slack = static_cast<double>(random.below(5));
    std::size_t slots = 1;
    while (!all_in_time(jobs, slots, slack)) ++slots;
    EXPECT_LE(slack_of(jobs, 2, slack, 0), static_cast<double>(slots) * 60 + 1e-6);
  }
}

TEST(SlackBound, ExcusesTheLongestFirstSoThatItStaysABound) {
  // Ten at once, one of them long: excusing one message can spare the long one.
  std::vector<Job> jobs(9, Job{10, 1});
  jobs.push_back({10, 20});
  const double all = slack_of(jobs, 0.001, 0, 0);
  EXPECT_NEAR(all, 29, 0.1);
  EXPECT_LE(slack_of(jobs, 0.001, 0, 0.1), 9.1);
}

}  // namespace
}  // namespace forewarm
