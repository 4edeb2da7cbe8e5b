#include "core/scale/demand.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <queue>
#include <vector>

#include "base/random.h"

namespace forewarm {
namespace {

/// The plain way: tries every number of slots on messages that come evenly, first come, first served.
double fewest_slots_by_simulation(const std::vector<WorkPiece>& pieces, const SlackProblem& problem) {
  std::vector<double> arrivals(static_cast<std::size_t>(problem.waiting), 0.0);
  double start = 0;
  for (const WorkPiece& piece : pieces) {
    for (double k = 0; k < piece.messages; ++k)
      arrivals.push_back(start + (k + 0.5) / piece.messages * piece.seconds);
    start += piece.seconds;
  }
  for (std::size_t slots = 1;; ++slots) {
    std::priority_queue<double, std::vector<double>, std::greater<>> free_at;
    for (std::size_t i = 0; i < slots; ++i) free_at.push(0);
    double worst = 0;
    for (const double arrival : arrivals) {
      const double begin = std::max(arrival, free_at.top());
      worst = std::max(worst, begin - arrival);
      free_at.pop();
      free_at.push(begin + problem.service_seconds);
    }
    if (worst <= problem.slack_seconds + 1e-9) return static_cast<double>(slots);
  }
}

TEST(Demand, NothingToDoNeedsNothing) {
  EXPECT_EQ(slots_within_slack({}, {}), 0);
  const std::vector<WorkPiece> quiet{{10, 0}, {10, 0}};
  EXPECT_EQ(slots_within_slack(quiet, {}), 0);
}

TEST(Demand, ABurstIsStartedInAsManyTurnsAsFitIntoTheSlack) {
  EXPECT_EQ(slots_within_slack({}, {.waiting = 10, .service_seconds = 1, .slack_seconds = 0}), 10);
  EXPECT_EQ(slots_within_slack({}, {.waiting = 10, .service_seconds = 1, .slack_seconds = 0.9}), 10);
  EXPECT_EQ(slots_within_slack({}, {.waiting = 10, .service_seconds = 1, .slack_seconds = 1}), 5);
  EXPECT_EQ(slots_within_slack({}, {.waiting = 10, .service_seconds = 1, .slack_seconds = 2}), 4);
  EXPECT_EQ(slots_within_slack({}, {.waiting = 10, .service_seconds = 0.1, .slack_seconds = 0.3}), 3);
}

TEST(Demand, EvenWorkNeedsItsWorkOverTheWindowAndTheSlack) {
  // 20 messages of 2 s within 10 s: 40 s of work in 10 + 6 s.
  const std::vector<WorkPiece> step{{10, 20}};
  EXPECT_EQ(slots_within_slack(step, {.service_seconds = 2, .slack_seconds = 6}), 3);
  // Without slack it is the concurrency: 2 messages a second for 2 s each.
  EXPECT_EQ(slots_within_slack(step, {.service_seconds = 2, .slack_seconds = 0}), 4);
}

TEST(Demand, ThePeakCountsAndNotTheMean) {
  const std::vector<WorkPiece> steps{{10, 0}, {10, 50}, {10, 0}};
  EXPECT_EQ(slots_within_slack(steps, {.service_seconds = 1, .slack_seconds = 0}), 5);
  // Twenty seconds of slack spread the same work over 10 + 20 s.
  EXPECT_EQ(slots_within_slack(steps, {.service_seconds = 1, .slack_seconds = 20}), 2);
}

TEST(Demand, BacklogAndForecastShareTheSlotsOfTheirWindow) {
  // 10 waiting and 10 to come in 10 s, of 1 s each, with 10 s of slack: 20 s of work in 20 s, and 10 in 11
  // turns.
  const std::vector<WorkPiece> step{{10, 10}};
  EXPECT_EQ(slots_within_slack(step, {.waiting = 10, .service_seconds = 1, .slack_seconds = 10}), 1);
  EXPECT_EQ(slots_within_slack(step, {.waiting = 11, .service_seconds = 1, .slack_seconds = 10}), 2);
}

TEST(Demand, RunningMessagesHoldTheirSlotsForHalfTheirServiceTime) {
  EXPECT_EQ(slots_within_slack({}, {.running = 8, .service_seconds = 10, .slack_seconds = 0}), 4);
}

TEST(Demand, NeverMoreThanZeroWaitingWouldNeed) {
  Random random(5);
  for (int round = 0; round < 300; ++round) {
    std::vector<WorkPiece> pieces;
    for (std::uint64_t i = 0; i < 1 + random.below(6); ++i)
      pieces.push_back({0.5 + random.uniform() * 5, static_cast<double>(random.below(40))});
    SlackProblem problem{.service_seconds = 0.05 + random.uniform() * 8, .slack_seconds = 0};
    const double zero_wait = slots_within_slack(pieces, problem);
    double before = zero_wait;
    for (const double slack : {0.1, 0.5, 2.0, 10.0, 100.0}) {
      problem.slack_seconds = slack;
      const double need = slots_within_slack(pieces, problem);
      ASSERT_LE(need, before) << "more slack never needs more slots";
      before = need;
    }
  }
}

TEST(Demand, AgreesWithTheSimulationExactlyOnBursts) {
  for (double waiting = 1; waiting <= 60; waiting += 7) {
    for (const double service : {0.25, 1.0, 3.0}) {
      for (const double slack : {0.0, 0.25, 0.6, 2.0, 7.5}) {
        const SlackProblem problem{.waiting = waiting, .service_seconds = service, .slack_seconds = slack};
        ASSERT_EQ(slots_within_slack({}, problem), fewest_slots_by_simulation({}, problem))
            << waiting << " messages of " << service << " s within " << slack << " s";
      }
    }
  }
}

TEST(Demand, AgreesWithTheSimulationUpToOneMessageOnRandomLoads) {
  Random random(11);
  int exact = 0;
  constexpr int kRounds = 600;
  for (int round = 0; round < kRounds; ++round) {
    std::vector<WorkPiece> pieces;
    const std::uint64_t count = 1 + random.below(5);
    for (std::uint64_t i = 0; i < count; ++i)
      pieces.push_back({1.0 + static_cast<double>(random.below(10)), static_cast<double>(random.below(60))});
    const SlackProblem problem{.waiting = static_cast<double>(random.below(30)),
                               .service_seconds = 0.1 + random.uniform() * 4,
                               .slack_seconds = random.uniform() * 6};
    const double formula = slots_within_slack(pieces, problem);
    const double simulated = fewest_slots_by_simulation(pieces, problem);
    // Even arrivals as a flow against whole messages: a window may hold one message more or less.
    ASSERT_NEAR(formula, simulated, 1) << "round " << round;
    if (formula == simulated) ++exact;
  }
  EXPECT_GT(exact, kRounds * 7 / 10);
}

}  // namespace
}  // namespace forewarm
