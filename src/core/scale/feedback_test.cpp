#include "core/scale/feedback.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <queue>
#include <vector>

#include "base/random.h"
#include "core/scale/newsvendor.h"
#include "core/scale/queueing.h"

namespace forewarm {
namespace {

TEST(Feedback, RisesWhileMoreAreLateThanAllowedAndFallsWhileFewerAre) {
  LatenessFeedback feedback(0.1);
  EXPECT_EQ(feedback.multiplier(), 1);
  for (int i = 0; i < 100; ++i) feedback.observe(i < 30);
  feedback.close_step(true);
  const double raised = feedback.multiplier();
  EXPECT_GT(raised, 1);
  for (int i = 0; i < 100; ++i) feedback.observe(false);
  feedback.close_step(true);
  EXPECT_LT(feedback.multiplier(), raised);
  for (int i = 0; i < 100; ++i) feedback.observe(i < 10);
  const double before = feedback.multiplier();
  feedback.close_step(true);
  EXPECT_DOUBLE_EQ(feedback.multiplier(), before) << "just met: nothing to change";
}

TEST(Feedback, StaysWithinItsBoundsAndComesBackFromThem) {
  LatenessFeedback feedback(0.01);
  for (int step = 0; step < 1000; ++step) {
    for (int i = 0; i < 50; ++i) feedback.observe(true);
    feedback.close_step(true);
  }
  EXPECT_NEAR(feedback.multiplier(), LatenessFeedback::kMultiplierMax, 1e-6);
  int steps = 0;
  for (; feedback.multiplier() > 1; ++steps) {
    for (int i = 0; i < 1000; ++i) feedback.observe(false);
    feedback.close_step(true);
    ASSERT_LT(steps, 200);
  }
  for (int step = 0; step < 1000; ++step) {
    feedback.observe(false);
    feedback.close_step(true);
  }
  EXPECT_GE(feedback.multiplier(), LatenessFeedback::kMultiplierMin * (1 - 1e-9));
}

TEST(Feedback, DoesNotWindUpWhereTheLevelDidNotDecide) {
  LatenessFeedback feedback(0.01);
  for (int i = 0; i < 1000; ++i) feedback.observe(true);
  feedback.close_step(false);
  EXPECT_EQ(feedback.multiplier(), 1);
  feedback.close_step(true);
  EXPECT_EQ(feedback.multiplier(), 1) << "what was seen before is forgotten";
}

/// Poisson arrivals on slots that follow the level, service times as given. Returns the late share after
/// settling.
double late_share_under_feedback(double service_spread, double target, std::uint64_t seed) {
  constexpr double kOffered = 30, kSlack = 0.1, kStep = 10;
  Random random(seed);
  LatenessFeedback feedback(target);
  std::priority_queue<double, std::vector<double>, std::greater<>> free_at;
  double time = 0, late = 0, started = 0;
  for (int step = 0; step < 4000; ++step) {
    const double level =
        newsvendor_level({.late_share_max = target, .late_multiplier = feedback.multiplier()}, kStep, 1);
    const std::uint32_t slots = std::max(
        25U, slots_for_late_share({.offered = kOffered, .slack_in_services = kSlack}, 1 - level, 200));
    while (free_at.size() < slots) free_at.push(time);
    for (const double end = (step + 1) * kStep; time < end; time += random.exponential(1 / kOffered)) {
      while (free_at.size() > slots && free_at.top() <= time) free_at.pop();  // an idle slot is given back
      const double begin = std::max(time, free_at.top());
      free_at.pop();
      free_at.push(begin + (1 - service_spread) + random.exponential(service_spread));
      feedback.observe(begin - time > kSlack);
      if (step < 500) continue;
      started += 1;
      if (begin - time > kSlack) late += 1;
    }
    feedback.close_step(true);
  }
  return late / started;
}

TEST(Feedback, TheLateShareSettlesNearTheTargetOnASimulatedQueue) {
  for (const double target : {0.01, 0.05}) {
    for (const double spread : {1.0, 0.2}) {
      const double share = late_share_under_feedback(spread, target, 17);
      EXPECT_GT(share, target * 0.5) << "spread " << spread;
      EXPECT_LT(share, target * 2) << "spread " << spread;
    }
  }
}

}  // namespace
}  // namespace forewarm
