#include "app/learnt_keeper.h"

#include <gtest/gtest.h>

#include <filesystem>

namespace forewarm {
namespace {

using ScalerKeeper = LearntKeeper<QueueRestored>;
using FunctionKeeper = LearntKeeper<FunctionRestored>;

/// Queues, and how many messages the scaler of each has seen.
struct KeptScalers {
  QueueDirectory queues{{}};
  std::map<QueueId, double> messages;
  ChoiceMemory choice{
      .step = 10s, .models = {{ModelId::Ensemble, 2.5, 3}}, .naive_sum = 4, .naive_weight = 3};
  ScalerKeeper keeper{subjects_of(queues), [this](QueueId id) -> std::optional<QueueMemory> {
                        if (messages[id] == 0) return std::nullopt;
                        QueueMemory memory;
                        memory.scaler.emplace().messages = messages[id];
                        memory.choice = choice;
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
    for (const ScalerKeeper::Due& each : keeper.take(now += 1s)) names.push_back(each.name);
    return names;
  }
  std::vector<QueueRestored> restored(const SavedMemory& saved) {
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
  const SavedMemory saved = ScalerKeeper::text_of(kept.keeper.take(kept.now), kept.now).at(0);
  const std::vector<QueueRestored> events = kept.restored(saved);
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(events[0].queue, jobs);
  EXPECT_EQ(events[0].memory.scaler->messages, 7);
  EXPECT_EQ(events[0].memory.choice, kept.choice);
  EXPECT_EQ(kept.warnings, QueueNames{});
  EXPECT_TRUE(kept.restored({"nobody", saved.version, saved.memory}).empty());
  EXPECT_EQ(kept.warnings, QueueNames{}) << "a queue that is gone is nothing to warn of";

  EXPECT_TRUE(kept.restored({"jobs", saved.version + 1, saved.memory}).empty());
  EXPECT_TRUE(kept.restored({"jobs", saved.version, saved.memory.substr(0, 100)}).empty());
  EXPECT_TRUE(kept.restored({"jobs", saved.version, "1 time_passed\n"}).empty());
  EXPECT_TRUE(kept.restored({"jobs", saved.version, std::string("\xff\0garbage", 9)}).empty());
  ASSERT_EQ(kept.warnings.size(), 4U);
  for (const std::string& warning : kept.warnings) EXPECT_NE(warning.find("begins anew"), std::string::npos);
  EXPECT_NE(kept.warnings[0].find("version " + std::to_string(kQueueMemoryVersion + 1)), std::string::npos);
}

TEST(FunctionKeeper, GivesBackWhatItWroteOfTheFunctionsThatAreThere) {
  FunctionDirectory functions;
  ServerConfig config;
  for (const char* name : {"resize", "ship"}) config.functions.emplace_back().name = name;
  functions.configure(config);
  const FunctionId ship = functions.find("ship")->id;
  FunctionMemory learnt;
  learnt.learnt = 12;
  learnt.variant_bytes = {128 << 20};
  learnt.starts = {.first_bucket = 300, .buckets = {1, 0, 2.5F}, .zeros = 0, .sum_seconds = 0.625};
  learnt.service.overall = {.mean = {-1.5F}, .weight = {12}};
  learnt.service.types = {std::uint64_t{7} << 32 | 0xffff00 | 5};
  learnt.need_classes = {std::uint64_t{7} << 8 | 5};
  learnt.work_seconds = {0.25F, 4};
  FunctionKeeper keeper(subjects_of(functions),
                        [&](FunctionId id) { return id == ship ? std::optional(learnt) : std::nullopt; });
  const TimePoint now = time_point_us(1'700'000'000'000'000);
  const std::vector<SavedMemory> saved = FunctionKeeper::text_of(keeper.take(now), now);
  ASSERT_EQ(saved.size(), 1U);
  EXPECT_EQ(saved[0].name, "ship");
  EXPECT_TRUE(keeper.take(now + 10min).empty()) << "nothing changed";

  std::vector<std::string> warnings;
  const auto warn = [&](const std::string& text) { warnings.push_back(text); };
  const std::vector<FunctionRestored> events = keeper.restored(saved, now, warn);
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(events[0], (FunctionRestored{ship, learnt}));
  EXPECT_TRUE(keeper.take_all(now).empty()) << "it is there already";
  EXPECT_TRUE(keeper.restored({{"gone", saved[0].version, saved[0].memory}}, now, warn).empty());
  EXPECT_TRUE(warnings.empty()) << "a function that is gone is nothing to warn of";
  EXPECT_TRUE(keeper.restored({{"ship", saved[0].version + 1, saved[0].memory}}, now, warn).empty());
  EXPECT_TRUE(keeper.restored({{"ship", saved[0].version, "1 time_passed"}}, now, warn).empty());
  ASSERT_EQ(warnings.size(), 2U);
  EXPECT_NE(warnings[0].find("function 'ship'"), std::string::npos) << warnings[0];
  EXPECT_NE(warnings[1].find("begins anew"), std::string::npos) << warnings[1];
}

using WatchKeeper = LearntKeeper<WatchRestored>;

/// One queue, and what is learnt of it.
WatchKeeper watch_keeper(std::optional<WatchMemory> learnt) {
  const auto find = [](std::string_view name) {
    return name == "orders" ? std::optional(QueueId(1)) : std::nullopt;
  };
  const auto visit = [](std::string_view after, const auto& take) {
    if (after < "orders") take("orders", QueueId(1));
  };
  return {{find, visit}, [learnt](QueueId) { return learnt; }};
}

TEST(WatchKeeper, WhatItHadWrittenIsGivenBackFromTheHistoryAndWhatAServerWroteIsNot) {
  WatchMemory learnt;
  learnt.learnt = 12;
  learnt.scaler.emplace().messages = 12;
  learnt.starts = {.first_bucket = 300, .buckets = {1, 0, 2.5F}, .zeros = 0, .sum_seconds = 0.625};
  learnt.choice.models = {{ModelId::Ensemble, 2.5, 3}};
  learnt.choice.covered.assign(kForecastLevelCount, 2);
  const std::string folder = testing::TempDir() + "/watch-keeper";
  std::filesystem::create_directories(folder);
  std::filesystem::remove(folder + "/history.db");
  Loop loop;
  std::vector<std::string> warnings;
  const auto warn = [&](const std::string& text) { warnings.push_back(text); };
  const HistoryKeeper::Options options{.directory = folder, .tiers = {{10s, 24h}}, .warn = warn};
  const TimePoint now = time_point_us(1'700'000'000'000'000);
  const auto recalled = [&] {
    const auto history = HistoryKeeper::open(loop, options);
    WatchKeeper keeper = watch_keeper({});
    return recall_learnt(**history, keeper, now, warn);
  };
  EXPECT_TRUE(recalled().empty());
  {
    const auto history = HistoryKeeper::open(loop, options);
    WatchKeeper keeper = watch_keeper(learnt);
    keep_learnt(**history, keeper, now, false);
    EXPECT_TRUE(keeper.take_all(now).empty()) << "it is written already";
  }
  const std::vector<WatchRestored> given = recalled();
  ASSERT_EQ(given.size(), 1U);
  EXPECT_EQ(given[0], (WatchRestored{QueueId(1), learnt}));
  EXPECT_TRUE(warnings.empty());
  {
    const auto history = HistoryKeeper::open(loop, options);
    KeptScalers server;
    server.messages[server.add("orders")] = 7;
    keep_learnt(**history, server.keeper, now, true);
  }
  EXPECT_TRUE(recalled().empty());
  ASSERT_EQ(warnings.size(), 1U);
  EXPECT_NE(warnings[0].find("what the watch over 'orders'"), std::string::npos) << warnings[0];
}

}  // namespace
}  // namespace forewarm
