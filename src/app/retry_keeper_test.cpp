#include "app/retry_keeper.h"

#include <gtest/gtest.h>

#include <vector>

namespace forewarm {
namespace {

struct KeptRetries {
  RetryMemory memory;
  RetryKeeper keeper{[this] { return memory; }};
  TimePoint now = time_point_us(1'700'000'000'000'000);
  std::vector<std::string> warnings;

  std::optional<RetryRestored> restored(const std::optional<SavedMemory>& saved) {
    return keeper.restored(saved, [this](const std::string& text) { warnings.push_back(text); });
  }
};

TEST(RetryKeeper, WritesAfterAMinuteThenEveryTenIfSomethingWasLearntAndAtTheEnd) {
  KeptRetries kept;
  kept.memory.learnt = 5;
  EXPECT_FALSE(kept.keeper.take(kept.now));
  EXPECT_TRUE(kept.keeper.take(kept.now += 1min));
  kept.memory.learnt = 6;
  EXPECT_FALSE(kept.keeper.take(kept.now += 9min));
  EXPECT_TRUE(kept.keeper.take(kept.now += 1min));
  EXPECT_FALSE(kept.keeper.take(kept.now += 10min)) << "nothing new";
  kept.memory.learnt = 7;
  EXPECT_TRUE(kept.keeper.take(kept.now += 1s, true));
  EXPECT_FALSE(kept.keeper.take(kept.now += 1s, true));
}

TEST(RetryKeeper, GivesBackWhatItWrote) {
  KeptRetries kept;
  kept.memory = {
      .learnt = 9,
      .buckets = {1, 16383},
      .z = {0.25F, -3},
      .n = {1, 2},
      .predicted = std::vector<float>(16, 0.5F),
      .failed = std::vector<float>(16, 1),
      .weight = std::vector<float>(16, 2),
      .outages = {{.function = FunctionId(7), .has_succeeded = true, .observed = 3, .count = 3, .mean = 4}}};
  const SavedMemory saved = RetryKeeper::text_of(kept.memory, kept.now);
  const std::optional<RetryRestored> restored = kept.restored(saved);
  ASSERT_TRUE(restored);
  EXPECT_EQ(restored->memory, kept.memory);
  EXPECT_FALSE(kept.keeper.take(kept.now, true)) << "it is there already";
  EXPECT_TRUE(kept.warnings.empty());
}

TEST(RetryKeeper, WhatCannotBeReadIsLeftOutAndSaid) {
  KeptRetries kept;
  EXPECT_FALSE(kept.restored({}));
  EXPECT_TRUE(kept.warnings.empty());
  SavedMemory saved = RetryKeeper::text_of(RetryMemory(), kept.now);
  saved.version = 99;
  EXPECT_FALSE(kept.restored(saved));
  ASSERT_EQ(kept.warnings.size(), 1U);
  EXPECT_NE(kept.warnings[0].find("version 99"), std::string::npos) << kept.warnings[0];
  EXPECT_FALSE(kept.restored(SavedMemory{{}, kRetryMemoryVersion, "nonsense"}));
  EXPECT_EQ(kept.warnings.size(), 2U);
}

}  // namespace
}  // namespace forewarm
