#include "app/scaler_keeper.h"

#include <gtest/gtest.h>

namespace forewarm {
namespace {

/// Queues, and how many messages the scaler of each has seen.
struct KeptScalers {
  QueueDirectory queues{{}};
  std::map<QueueId, double> messages;
  ScalerKeeper keeper{queues, [this](QueueId id) -> std::optional<ScalerMemory> {
                        if (messages[id] == 0) return std::nullopt;
                        ScalerMemory memory;
                        memory.messages = messages[id];
                        return memory;
                      }};
  TimePoint now = time_point_us(1'700'000'000'000'000);
  std::vector<std::string> warnings;

  QueueId add(const std::string& name) {
    EXPECT_TRUE(queues.create({name, {}, {}}, now));
    return queues.find(name)->id;
  }
  std::vector<std::string> taken() {
    std::vector<std::string> names;
    for (const ScalerKeeper::Memory& each : keeper.take(now += 1s)) names.push_back(each.queue);
    return names;
  }
  std::vector<ScalerRestored> restored(const SavedScaler& saved) {
    return keeper.restored({saved}, now, [this](const std::string& text) { warnings.push_back(text); });
  }
};

using QueueNames = std::vector<std::string>;

TEST(ScalerKeeper, WritesAfterTwiceAsManyMessagesOrTenMinutes) {
  KeptScalers kept;
  const QueueId jobs = kept.add("jobs");
  EXPECT_EQ(kept.taken(), QueueNames{}) << "nothing was learnt";
  kept.messages[jobs] = 10;
  EXPECT_EQ(kept.taken(), QueueNames{"jobs"});
  kept.messages[jobs] = 19;
  EXPECT_EQ(kept.taken(), QueueNames{});
  kept.messages[jobs] = 20;
  EXPECT_EQ(kept.taken(), QueueNames{"jobs"});
  kept.messages[jobs] = 21;
  kept.now += 10min;
  EXPECT_EQ(kept.taken(), QueueNames{"jobs"});
  kept.now += 10min;
  EXPECT_EQ(kept.taken(), QueueNames{}) << "nothing changed";
  kept.messages[jobs] = 22;
  EXPECT_EQ(kept.keeper.take_all(kept.now).size(), 1U) << "at the end all that changed";
  EXPECT_EQ(kept.keeper.take_all(kept.now).size(), 0U);
}

TEST(ScalerKeeper, LooksAtAFewQueuesASecondAndAtEachInTurn) {
  KeptScalers kept;
  for (int i = 0; i < 150; ++i) kept.messages[kept.add("q" + std::to_string(1000 + i))] = 5;
  QueueNames all;
  for (int second = 0; second < 3; ++second) {
    const QueueNames some = kept.taken();
    EXPECT_LE(some.size(), 64U);
    all.insert(all.end(), some.begin(), some.end());
  }
  EXPECT_EQ(all.size(), 150U);
  EXPECT_EQ(all.front(), "q1000");
  EXPECT_EQ(all.back(), "q1149");
  for (auto& [id, messages] : kept.messages) messages = 10;
  EXPECT_EQ(kept.taken().front(), "q1000") << "and from the first again";
}

TEST(ScalerKeeper, GivesBackWhatItWroteAndSaysWhatCannotBeRead) {
  KeptScalers kept;
  const QueueId jobs = kept.add("jobs");
  kept.messages[jobs] = 7;
  const SavedScaler saved = ScalerKeeper::text_of(kept.keeper.take(kept.now), kept.now).at(0);
  const std::vector<ScalerRestored> events = kept.restored(saved);
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(events[0].queue, jobs);
  EXPECT_EQ(events[0].memory.messages, 7);
  EXPECT_EQ(kept.warnings, QueueNames{});
  EXPECT_TRUE(kept.restored({"nobody", saved.version, saved.memory}).empty());
  EXPECT_EQ(kept.warnings, QueueNames{}) << "a queue that is gone is nothing to warn of";

  EXPECT_TRUE(kept.restored({"jobs", saved.version + 1, saved.memory}).empty());
  EXPECT_TRUE(kept.restored({"jobs", saved.version, saved.memory.substr(0, 100)}).empty());
  EXPECT_TRUE(kept.restored({"jobs", saved.version, "1 time_passed\n"}).empty());
  EXPECT_TRUE(kept.restored({"jobs", saved.version, std::string("\xff\0garbage", 9)}).empty());
  ASSERT_EQ(kept.warnings.size(), 4U);
  for (const std::string& warning : kept.warnings) EXPECT_NE(warning.find("begins anew"), std::string::npos);
  EXPECT_NE(kept.warnings[0].find("version 2"), std::string::npos);
}

}  // namespace
}  // namespace forewarm
