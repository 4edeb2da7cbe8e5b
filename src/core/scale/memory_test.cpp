#include "core/scale/memory.h"

#include <gtest/gtest.h>

#include <functional>
#include <limits>
#include <memory>
#include <vector>

#include "base/random.h"
#include "core/scale/choice.h"
#include "core/scale/scaler.h"

namespace forewarm {
namespace {

/// Bursts of up to five messages, minutes apart, on a scaler that plans each second.
struct LearningQueue {
  ScalingSettings settings;
  ScalingInputs inputs;
  std::unique_ptr<Scaler> scaler;
  Random random{11};

  LearningQueue() {
    settings.late_share_max = 0.05;
    inputs.now = time_point_us(1'000'000'000'000);
    inputs.queue = QueueId(3);
    inputs.instances_limit = 1000;
    inputs.service_time = {.mean = 1s, .p95 = 2s, .observed = 1000};
    inputs.start_time = {.mean = 4s, .p95 = 5s, .observed = 20};
    scaler = make_predictive_scaler(settings);
  }
  void live(Duration time, Scaler& with) {
    const TimePoint end = inputs.now + time;
    while (inputs.now < end) {
      for (std::uint64_t m = random.below(6); m > 0; --m) {
        with.observe_ready(inputs.now);
        with.observe_service(Duration(200'000 + random.below(900'000)));
        with.observe_start(inputs.now, random.chance(0.1) ? 1s : -1s);
      }
      for (std::uint64_t s = 1 + random.below(random.chance(0.3) ? 300 : 20); s > 0; --s) {
        inputs.now += 1s;
        with.plan(inputs);
      }
    }
  }
  ScalerMemory memory() const { return *scaler->memory(inputs.now); }
};

TEST(ScalerMemory, ThereIsNoneBeforeTheFirstMessage) {
  LearningQueue queue;
  queue.scaler->plan(queue.inputs);
  EXPECT_FALSE(queue.scaler->memory(queue.inputs.now));
}

TEST(ScalerMemory, ARestoredScalerHasTheSameMemoryAndPlansTheSame) {
  LearningQueue queue;
  queue.live(6h, *queue.scaler);
  const ScalerMemory memory = queue.memory();
  ASSERT_TRUE(memory.chosen);
  ASSERT_GT(memory.idle_seconds.size(), 3U);
  for (const Duration down : {Duration(0), Duration(10min), Duration(24h * 30)}) {
    ScalingInputs later = queue.inputs;
    later.now += down;
    const std::unique_ptr<Scaler> restored = make_predictive_scaler(queue.settings);
    ASSERT_TRUE(restored->restore(later.now, memory));
    EXPECT_EQ(restored->memory(later.now), memory) << "however long it was down";
  }
  const std::unique_ptr<Scaler> restored = make_predictive_scaler(queue.settings);
  ASSERT_TRUE(restored->restore(queue.inputs.now, memory));
  queue.inputs.now += 1s;
  const ScalingPlan before = queue.scaler->plan(queue.inputs);
  const ScalingPlan after = restored->plan(queue.inputs);
  EXPECT_EQ(after.reason.keep_price_seconds, before.reason.keep_price_seconds);
  EXPECT_EQ(after.instances, before.instances);
  EXPECT_NEAR(after.reason.late_share, before.reason.late_share, 1e-6);
  const std::unique_ptr<Scaler> anew = make_predictive_scaler(queue.settings);
  EXPECT_NE(anew->plan(queue.inputs).reason.keep_price_seconds, before.reason.keep_price_seconds)
      << "or the test says nothing";
}

TEST(ScalerMemory, ARestoredScalerGoesOnAsTheOneThatWasNeverStopped) {
  LearningQueue queue;
  queue.live(6h, *queue.scaler);
  const std::unique_ptr<Scaler> restored = make_predictive_scaler(queue.settings);
  ASSERT_TRUE(restored->restore(queue.inputs.now, queue.memory()));
  LearningQueue other;
  other.inputs = queue.inputs;
  other.random = queue.random;
  queue.live(24h, *queue.scaler);
  other.live(24h, *restored);
  EXPECT_NEAR(restored->plan(other.inputs).reason.late_share,
              queue.scaler->plan(queue.inputs).reason.late_share, 0.01);
}

TEST(ScalerMemory, IsNotTakenByAScalerOfOtherSettingsOrOneThatHasSeenMessages) {
  LearningQueue queue;
  queue.live(1h, *queue.scaler);
  ScalingSettings other = queue.settings;
  other.objective = 2s;
  EXPECT_FALSE(make_predictive_scaler(other)->restore(queue.inputs.now, queue.memory()));
  const std::unique_ptr<Scaler> busy = make_predictive_scaler(queue.settings);
  busy->observe_ready(queue.inputs.now);
  EXPECT_FALSE(busy->restore(queue.inputs.now, queue.memory()));
}

TEST(ScalerMemory, WhatCannotBeIsRefused) {
  LearningQueue queue;
  queue.live(1h, *queue.scaler);
  const ScalerMemory good = queue.memory();
  ASSERT_TRUE(is_sound(good, queue.settings));
  constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
  const std::vector<std::function<void(ScalerMemory&)>> faults{
      [](ScalerMemory& it) { it.messages = kNan; },
      [](ScalerMemory& it) { it.messages = -1; },
      [](ScalerMemory& it) { it.lead = -1s; },
      [](ScalerMemory& it) { it.watched_seconds = std::numeric_limits<double>::infinity(); },
      [](ScalerMemory& it) { it.chosen = 128; },
      [](ScalerMemory& it) { it.chosen_starts = 0; },
      [](ScalerMemory& it) { it.chosen_expected = -1; },
      [](ScalerMemory& it) { it.cold.pop_back(); },
      [](ScalerMemory& it) { it.cold[3] = kNan; },
      [](ScalerMemory& it) { it.instance_seconds.push_back(0); },
      [](ScalerMemory& it) { it.started.pop_back(); },
      [](ScalerMemory& it) { it.idle_seconds[0] = -1; },
      [](ScalerMemory& it) { it.gaps[0].idle.pop_back(); },
      [](ScalerMemory& it) { it.gaps[0].after_start[7] = kNan; },
      [](ScalerMemory& it) { it.gaps.resize(65, it.gaps[0]); },
      [](ScalerMemory& it) { it.service_seconds.resize(33); },
      [](ScalerMemory& it) {
        for (auto* values : {&it.idle_seconds, &it.since_start_seconds}) values->resize(5000);
        it.started.resize(5000);
      }};
  for (std::size_t i = 0; i < faults.size(); ++i) {
    ScalerMemory bad = good;
    faults[i](bad);
    EXPECT_FALSE(is_sound(bad, queue.settings)) << i;
  }
}

TEST(ScalerMemory, AnySoundMemoryCanBeGoneOnWith) {
  Random random(5);
  LearningQueue queue;
  queue.live(1h, *queue.scaler);
  const auto any = [&](float& value) {
    constexpr float kValues[] = {0, 1e-9F, 1, 3600, 1e9F, 1e12F};
    if (random.chance(0.5)) value = kValues[random.below(std::size(kValues))];
  };
  for (int round = 0; round < 100; ++round) {
    ScalerMemory memory = queue.memory();
    for (auto* list : {&memory.service_seconds, &memory.idle_seconds, &memory.since_start_seconds,
                       &memory.instance_seconds, &memory.cold})
      for (float& value : *list) any(value);
    for (GapMemory& gaps : memory.gaps) {
      for (float& value : gaps.idle) any(value);
      for (float& value : gaps.after_start) any(value);
    }
    memory.gaps.resize(random.below(memory.gaps.size() + 1));
    for (std::uint16_t& mask : memory.started) mask = static_cast<std::uint16_t>(random.below(65'536));
    LearningQueue next;
    ASSERT_TRUE(next.scaler->restore(next.inputs.now, memory));
    next.live(5min, *next.scaler);
    EXPECT_LE(next.scaler->plan(next.inputs).instances, next.settings.instances_max);
  }
}

}  // namespace
}  // namespace forewarm
