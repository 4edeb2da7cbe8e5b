#include "core/route/service_model.h"

#include <gtest/gtest.h>

#include "base/math.h"
#include "base/random.h"
#include "core/route/instance_health.h"

namespace forewarm {
namespace {

const MessageClass kSmall{.size = 5, .type = {}};
const MessageClass kLarge{.size = 9, .type = {}};

ServiceModel model_of(std::size_t variants) {
  ServiceModel model;
  std::vector<FunctionVariant> settings;
  for (std::size_t v = 0; v < variants; ++v)
    settings.push_back({.memory_bytes = std::uint64_t{128} << (20 + v)});
  model.configure(settings);
  return model;
}

void observe(ServiceModel& model, std::uint16_t variant, MessageClass message, Duration service,
             int runs = 20) {
  for (int i = 0; i < runs; ++i) model.observe(variant, message, service);
}

TEST(ServiceModel, ASizeClassIsAFactorOfFour) {
  Message message;
  message.bytes = 0;
  EXPECT_EQ(class_of(message).size, 0);
  message.bytes = 63;
  const MessageClass below = class_of(message);
  message.bytes = 64;
  EXPECT_NE(class_of(message), below);
  message.bytes = 255;
  EXPECT_EQ(class_of(message).size, below.size + 1);
  message.bytes = UINT32_MAX;
  EXPECT_LT(class_of(message).size, kSizeClasses);
}

TEST(ServiceModel, EachVariantAndClassIsPredictedByItsOwnRuns) {
  ServiceModel model = model_of(2);
  for (int i = 0; i < 20; ++i) {
    observe(model, 0, kSmall, 50ms);
    observe(model, 1, kSmall, 50ms);
    observe(model, 0, kLarge, 4s);
    observe(model, 1, kLarge, 500ms);
  }
  EXPECT_NEAR(model.predict(0, kSmall).seconds(), 0.05, 0.01);
  EXPECT_NEAR(model.predict(1, kSmall).seconds(), 0.05, 0.01);
  EXPECT_NEAR(model.predict(0, kLarge).seconds(), 4, 0.8);
  EXPECT_NEAR(model.predict(1, kLarge).seconds(), 0.5, 0.1);
}

TEST(ServiceModel, AClassNeverSeenOnAVariantIsPredictedFromTheClassElsewhere) {
  ServiceModel model = model_of(2);
  for (int i = 0; i < 20; ++i) {
    observe(model, 0, kSmall, 100ms);
    observe(model, 0, kLarge, 1600ms);
    observe(model, 1, kSmall, 50ms);  // twice as fast
  }
  const ServiceModel::Prediction predicted = model.predict(1, kLarge);
  EXPECT_EQ(predicted.evidence, 0U);
  EXPECT_NEAR(predicted.seconds(), 0.8, 0.4);
}

TEST(ServiceModel, TypesOfOneSizeAreToldApart) {
  ServiceModel model = model_of(1);
  const MessageClass quick{.size = 5, .type = MessageTypeId(1)}, slow{.size = 5, .type = MessageTypeId(2)};
  for (int i = 0; i < 20; ++i) {
    observe(model, 0, quick, 20ms);
    observe(model, 0, slow, 2s);
  }
  EXPECT_NEAR(model.predict(0, quick).seconds(), 0.02, 0.006);
  EXPECT_NEAR(model.predict(0, slow).seconds(), 2, 0.6);
}

TEST(ServiceModel, OneRunOfAClassMovesItsPredictionOnlyInPart) {
  ServiceModel model = model_of(1);
  observe(model, 0, kSmall, 100ms, 100);
  model.observe(0, kLarge, 10s);
  EXPECT_GT(model.predict(0, kLarge).seconds(), 0.11);
  EXPECT_LT(model.predict(0, kLarge).seconds(), 5);
}

TEST(ServiceModel, MoreTypesThanItKeepsAreOne) {
  ServiceModel model = model_of(2);
  for (std::uint32_t type = 1; type <= 5'000; ++type)
    model.observe(0, {.size = 5, .type = MessageTypeId(type)}, 100ms);
  EXPECT_NEAR(model.predict(0, {.size = 5, .type = MessageTypeId(4'999)}).seconds(), 0.1, 0.05);
}

TEST(ServiceModel, AClassWhoseRunsEndWithTheProcessOutgrowsTheVariant) {
  ServiceModel model = model_of(2);
  for (int i = 0; i < 4; ++i) model.memory().observe_end(0, kLarge, true);
  EXPECT_TRUE(model.outgrows(0, kLarge));
  EXPECT_FALSE(model.outgrows(1, kLarge));
  EXPECT_FALSE(model.outgrows(0, kSmall));
  for (int i = 0; i < 20; ++i) model.memory().observe_end(0, kLarge, false);
  EXPECT_FALSE(model.outgrows(0, kLarge));
}

TEST(ServiceModel, WhatAnotherLearntPredictsTheSameAndGivesWaySooner) {
  const std::vector<MessageClass> kinds = {
      kSmall, kLarge, {.size = 5, .type = MessageTypeId(7)}, {.size = 9, .type = MessageTypeId(8)}};
  ServiceModel learnt = model_of(2);
  Random random(3);
  for (int i = 0; i < 800; ++i) {
    const auto kind = static_cast<std::size_t>(i % 4);
    const auto variant = static_cast<std::uint16_t>(i / 4 % 2);
    const auto base = static_cast<double>(kind + 1) * (variant == 0 ? 1 : 0.3);
    learnt.observe(variant, kinds[kind], from_seconds(random.log_normal(log(base), 0.2)));
  }
  FunctionMemory memory;
  memory.variant_bytes = {128 << 20, 256 << 20};
  learnt.remember(memory);
  ServiceModel restored = model_of(2);
  ASSERT_TRUE(restored.restore(memory, true));
  for (const MessageClass kind : kinds) {
    for (const std::uint16_t variant : {std::uint16_t{0}, std::uint16_t{1}}) {
      const ServiceModel::Prediction was = learnt.predict(variant, kind),
                                     is = restored.predict(variant, kind);
      EXPECT_NEAR(is.seconds() / was.seconds(), 1, 0.02);
      EXPECT_NEAR(is.deviation / was.deviation, 1, 0.02);
      EXPECT_EQ(is.evidence, std::min<std::uint32_t>(was.evidence, 100));
    }
  }
  EXPECT_FALSE(restored.restore(memory, true)) << "it knows something";
  observe(learnt, 0, kSmall, 5s, 100);
  observe(restored, 0, kSmall, 5s, 100);
  EXPECT_GT(restored.predict(0, kSmall).seconds(), learnt.predict(0, kSmall).seconds());
}

struct Fleet {
  double factor = 1;  ///< of the first instance's service times, from the 400th run on
  double of_all = 1;  ///< of everybody's, from then on
  double hidden = 0;  ///< share of runs that take twenty times as long, which nothing tells in advance
};

/// Eight instances in turn. How many runs, from the 400th on, until one is convicted; -1: before it.
int runs_until_convicted(const Fleet& fleet, int most, std::uint64_t seed) {
  ServiceModel model = model_of(1);
  std::vector<InstanceHealth> health(8);
  SurpriseLevel level;
  Random random(seed);
  for (int run = 0; run < most; ++run) {
    const auto which = static_cast<std::size_t>(run % 8);
    double service = random.log_normal(log(0.1), 0.5);
    if (random.chance(fleet.hidden)) service *= 20;
    if (run >= 400) service *= fleet.of_all * (which == 0 ? fleet.factor : 1);
    const auto surprise = model.observe(0, kSmall, from_seconds(service));
    health[which].observe(surprise, level);
    level.observe(surprise);
    if (health[which].convicted()) return run < 400 ? -1 : run - 400;
  }
  return most;
}

int convicted(const Fleet& fleet, int most, std::uint64_t seeds) {
  int count = 0;
  for (std::uint64_t seed = 1; seed <= seeds; ++seed)
    count += runs_until_convicted(fleet, most, seed) < most ? 1 : 0;
  return count;
}

TEST(InstanceHealth, AnInstanceTenTimesSlowerIsConvictedWithinAFewOfItsRuns) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    const int runs = runs_until_convicted({.factor = 10}, 1'000, seed);
    EXPECT_GE(runs, 0);
    EXPECT_LE(runs, 8 * 8);
  }
}

TEST(InstanceHealth, OneThreeTimesSlowerIsConvictedToo) {
  EXPECT_EQ(convicted({.factor = 3}, 1'200, 20), 20);
}

TEST(InstanceHealth, HealthyOnesAreHardlyEverConvicted) {
  EXPECT_LE(convicted({}, 20'000, 10), 2);
}

TEST(InstanceHealth, RunsThatAreLongNowAndThenConvictNobody) {
  EXPECT_LE(convicted({.hidden = 0.1}, 20'000, 10), 2);
}

TEST(InstanceHealth, WhatSlowsAllAtOnceIsNobodysFault) {
  EXPECT_LE(convicted({.of_all = 3}, 2'000, 20), 1);
}

}  // namespace
}  // namespace forewarm
