#include "core/scale/newsvendor.h"

#include <gtest/gtest.h>

#include "base/math.h"

namespace forewarm {
namespace {

TEST(Newsvendor, TheLevelWeighsIdleTimeAgainstLateMessages) {
  const LatenessPrice price{.idle_cost_per_second = 2, .late_cost = 50};
  EXPECT_DOUBLE_EQ(newsvendor_level(price, 10, 1), 1 - 20.0 / 50);
  EXPECT_DOUBLE_EQ(newsvendor_level(price, 10, 8), 1 - 20.0 / 400);
  EXPECT_EQ(newsvendor_level(price, 30, 1), 0) << "an idle step dearer than what it saves";
  EXPECT_EQ(newsvendor_level({.idle_cost_per_second = 0, .late_cost = 1}, 10, 1), kLevelMax);
}

TEST(Newsvendor, WithoutAPriceTheObjectiveGivesTheLevel) {
  EXPECT_DOUBLE_EQ(newsvendor_level({.idle_cost_per_second = 2, .late_share_max = 0.01}, 10, 1), 0.99);
  EXPECT_DOUBLE_EQ(newsvendor_level({.idle_cost_per_second = 2, .late_share_max = 0.2}, 10, 1), 0.8);
}

TEST(Newsvendor, WithoutAnInstanceEveryMessageIsLate) {
  const StepOutlook outlook{.messages = {}, .seconds = 10, .service_seconds = 1, .slack_seconds = 0.5};
  EXPECT_EQ(late_messages(outlook, 7, 0), 7);
  EXPECT_EQ(late_messages(outlook, 0, 0), 0);
}

TEST(Newsvendor, AnOverloadedStepIsLateOnceTheWaitPassesTheSlack) {
  // 20 s of work in 10 s on one instance: the wait grows by 1 s a second and passes 4 s after 4 s.
  const StepOutlook outlook{.messages = {}, .seconds = 10, .service_seconds = 1, .slack_seconds = 4};
  EXPECT_NEAR(late_messages(outlook, 20, 1), 20 * 0.9041, 20 * 0.05);
  const StepOutlook full{.messages = {}, .seconds = 10, .service_seconds = 0.1, .slack_seconds = 9};
  EXPECT_NEAR(late_messages(full, 100, 1), 98 * exp(-0.02 * 90), 1e-9)
      << "as many as fit: taken as 98 % used";
}

TEST(Newsvendor, TheLastInstanceSavesLessTheMoreThereAre) {
  StepOutlook outlook{
      .messages = {1, 2, 3, 5, 8, 12, 16, 20, 30}, .seconds = 10, .service_seconds = 2, .slack_seconds = 0.5};
  double before = 1e9;
  for (std::uint32_t n = 3; n < 20; ++n) {
    const MarginalInstance last = last_instance(outlook, n);
    EXPECT_LE(last.late_saved, before + 0.1) << n;
    EXPECT_GE(last.idle_seconds_added, 0);
    EXPECT_LE(last.idle_seconds_added, 10.0001);
    before = last.late_saved;
  }
  EXPECT_LT(last_instance(outlook, 15).late_saved, 0.01);
  EXPECT_NEAR(last_instance(outlook, 15).idle_seconds_added, 10, 1e-9);
  EXPECT_GT(last_instance(outlook, 1).late_saved, 0.1);
  EXPECT_EQ(last_instance(outlook, 0).late_saved, 0);
}

}  // namespace
}  // namespace forewarm
