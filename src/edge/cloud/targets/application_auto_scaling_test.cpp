#include "edge/cloud/targets/application_auto_scaling.h"

#include <gtest/gtest.h>

namespace forewarm {
namespace {

std::unique_ptr<ScaleTarget> resize_live() {
  return make_application_auto_scaling({.url = "https://application-autoscaling.eu-west-1.amazonaws.com/"},
                                       {.id = "function:resize:live",
                                        .dimension = "lambda:function:ProvisionedConcurrency",
                                        .queue = "orders"});
}

const std::string kBegin = "POST https://application-autoscaling.eu-west-1.amazonaws.com/ ";
const std::string kNamed = R"({"ServiceNamespace":"lambda","ResourceId":"function:resize:live",)"
                           R"("ScalableDimension":"lambda:function:ProvisionedConcurrency",)";

TEST(ApplicationAutoScaling, SaysWhatItSends) {
  const auto target = resize_live();
  EXPECT_EQ(target->request_text(7), kBegin + "RegisterScalableTarget " + kNamed + R"("MinCapacity":7})");
  EXPECT_FALSE(target->set(std::nullopt, {}));
  const ScheduledLevel level{level_name("orders", 1), TimePoint(1'772'387'880s), 9};
  ASSERT_NE(target->schedule(), nullptr);
  EXPECT_EQ(target->schedule()->change_text({ScheduleChange::Kind::Put, level}),
            kBegin + "PutScheduledAction " + kNamed +
                R"x("ScheduledActionName":"forewarm-orders-001","Schedule":"at(2026-03-01T17:58:00)",)x"
                R"x("ScalableTargetAction":{"MinCapacity":9}})x");
  EXPECT_EQ(target->schedule()->change_text({ScheduleChange::Kind::Remove, level}),
            kBegin + "DeleteScheduledAction " + kNamed + R"("ScheduledActionName":"forewarm-orders-001"})");
}

TEST(ApplicationAutoScaling, WhatWasFoundOfMaxCapacityIsPutBackWithIt) {
  const auto target = resize_live();
  EXPECT_EQ(target->put_back_text({.set = 2, .ready = {}, .beside = 30}),
            kBegin + "RegisterScalableTarget " + kNamed + R"("MinCapacity":2,"MaxCapacity":30})");
  EXPECT_EQ(target->put_back_text({.set = 2, .ready = {}}), target->request_text(2));
}

TEST(ApplicationAutoScaling, ReadsScalableTargets) {
  const auto page = parse_scalable_targets(
      R"({"NextToken":"more","ScalableTargets":[{"ServiceNamespace":"lambda","ResourceId":"function:resize:live",)"
      R"("ScalableDimension":"lambda:function:ProvisionedConcurrency","MinCapacity":2,"MaxCapacity":30,)"
      R"("RoleARN":"arn","CreationTime":1.7E9,"SuspendedState":{"ScheduledScalingSuspended":true}},)"
      R"({"ResourceId":"b","ScalableDimension":"c","MinCapacity":0,"MaxCapacity":1}]})");
  ASSERT_TRUE(page);
  EXPECT_EQ(page->next_token, "more");
  ASSERT_EQ(page->targets.size(), 2U);
  EXPECT_EQ(page->targets[0].id, "function:resize:live");
  EXPECT_EQ(page->targets[0].dimension, "lambda:function:ProvisionedConcurrency");
  EXPECT_EQ(page->targets[0].least, 2U);
  EXPECT_EQ(page->targets[0].most, 30U);
  EXPECT_TRUE(page->targets[0].suspended);
  EXPECT_FALSE(page->targets[1].suspended);
}

TEST(ApplicationAutoScaling, ReadsScheduledActions) {
  const std::string at = R"x("Schedule":"at(2026-03-01T17:58:00)")x";
  const auto page = parse_scheduled_actions(
      R"({"ScheduledActions":[{"ResourceId":"r","ScalableDimension":"d","ScheduledActionName":"once",)" + at +
      R"(,"ScalableTargetAction":{"MinCapacity":9}},{"ScheduledActionName":"utc","Timezone":"Etc/UTC",)" +
      at +
      R"(,"ScalableTargetAction":{"MinCapacity":9}},{"ScheduledActionName":"away","Timezone":"Asia/Tokyo",)" +
      at + R"(,"ScalableTargetAction":{"MinCapacity":9}},{"ScheduledActionName":"both",)" + at +
      R"(,"ScalableTargetAction":{"MinCapacity":1,"MaxCapacity":4}},{"ScheduledActionName":"none",)" + at +
      R"x(},{"ScheduledActionName":"daily","Schedule":"cron(0 22 * * ? *)",)x"
      R"("ScalableTargetAction":{"MinCapacity":1}}]})");
  ASSERT_TRUE(page);
  EXPECT_EQ(page->next_token, "");
  ASSERT_EQ(page->actions.size(), 6U);
  const ScheduledLevel once{"once", TimePoint(1'772'387'880s), 9};
  EXPECT_EQ(page->actions[0].level, once);
  EXPECT_EQ(page->actions[0].id, "r");
  EXPECT_EQ(page->actions[0].dimension, "d");
  EXPECT_EQ(page->actions[1].level.at, once.at);
  for (std::size_t i = 2; i < 6; ++i) EXPECT_EQ(page->actions[i].level.at, TimePoint()) << i;
}

TEST(ApplicationAutoScaling, AnswersThatAreNoneAreSaid) {
  for (const char* wrong : {"", "[]", "{}", R"({"ScalableTargets":{}})", R"({"ScalableTargets":[1]})",
                            R"({"ScalableTargets":[{"MinCapacity":-1,"MaxCapacity":1}]})",
                            R"({"ScalableTargets":[{"MinCapacity":1}]})"}) {
    const auto page = parse_scalable_targets(wrong);
    ASSERT_FALSE(page) << wrong;
    EXPECT_EQ(page.error().code, ErrorCode::Corrupt);
    EXPECT_TRUE(page.error().message.starts_with("DescribeScalableTargets: expected "))
        << page.error().message;
  }
  EXPECT_FALSE(parse_scheduled_actions(R"({"ScheduledActions":null})"));
}

TEST(ApplicationAutoScaling, KnowsTheFormOfADimension) {
  EXPECT_TRUE(is_scalable_dimension("ecs:service:DesiredCount"));
  EXPECT_TRUE(is_scalable_dimension("custom-resource:ResourceType:Property"));
  for (const char* wrong :
       {"", "lambda", "lambda:function", "::", "a:b:", ":b:c", "a::c", "a:b:c:d", "a:b:c d"})
    EXPECT_FALSE(is_scalable_dimension(wrong)) << wrong;
  EXPECT_EQ((ScalableResource{.id = "i", .dimension = "ecs:service:DesiredCount", .queue = "q"}.space()),
            "ecs");
}

}  // namespace
}  // namespace forewarm
