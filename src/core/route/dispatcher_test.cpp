#include "core/route/dispatcher.h"

#include <gtest/gtest.h>

namespace forewarm {
namespace {

constexpr TimePoint kNow = time_point_us(1'000'000'000);
const MessageClass kThumbnail{.size = 5, .type = {}};
const MessageClass kFilm{.size = 9, .type = {}};

/// Instances 1 and 2 are small, 3 and 4 large and eight times as fast with films; all of that is known.
class Dispatching : public testing::Test {
 protected:
  Dispatching() {
    settings_.id = FunctionId(1);
    settings_.variants = {{.memory_bytes = 128 << 20}, {.memory_bytes = 512 << 20}};
    pool_.configure(settings_);
    model_.configure(settings_.variants);
    for (int i = 0; i < 200; ++i) {
      for (std::uint16_t v = 0; v < 2; ++v) {
        model_.observe(v, kThumbnail, 50ms);
        model_.observe(v, kFilm, v == 0 ? 4s : 500ms);
      }
    }
    for (std::uint64_t id = 1; id <= 4; ++id) {
      pool_.start(InstanceId(id), kNow - 10s, QueueId(1), id > 2 ? 1 : 0);
      pool_.ready(InstanceId(id), kNow - 9s);
    }
  }

  void busy(std::uint64_t id, Duration for_so_long) {
    pool_.begin_run(InstanceId(id), RunId(id), kNow, kNow + for_so_long);
  }
  RouteChoice route_of(MessageClass message, RouteNeed need = {}) {
    need.message = message;
    if (need.slack == Duration(0)) need.slack = 500ms;
    return route(pool_, model_, need, kNow, {});
  }
  static bool small(const RouteChoice& route) { return route.instance && route.instance->value() <= 2; }
  static bool large(const RouteChoice& route) { return route.instance && route.instance->value() > 2; }

  FunctionSettings settings_;
  Pool pool_;
  ServiceModel model_;
};

TEST_F(Dispatching, EachMessageGetsTheVariantThatDoesItWithTheLeastMemoryTime) {
  EXPECT_TRUE(small(route_of(kThumbnail)));
  EXPECT_TRUE(large(route_of(kFilm)));
  const RoutingDecision decision = route_of(kFilm).decision;
  EXPECT_EQ(decision.variant, 1);
  EXPECT_EQ(decision.free, 4U);
  EXPECT_GT(decision.evidence, 3U);
  EXPECT_NEAR(seconds(decision.service), 0.5, 0.1);
}

TEST_F(Dispatching, WhatFinishesSoonerOnABusyInstanceWaitsForIt) {
  busy(3, 300ms);
  busy(4, 2s);
  const RouteChoice film = route_of(kFilm);
  EXPECT_FALSE(film.instance);
  ASSERT_TRUE(film.wait_for);
  EXPECT_EQ(film.wait_for->instance, InstanceId(3));
  EXPECT_EQ(film.look_again, 300ms);
  EXPECT_TRUE(small(route_of(kThumbnail)));
}

TEST_F(Dispatching, AnInstanceThatAnotherMessageAwaitsIsFreeOnlyAfterThatOne) {
  busy(3, 300ms);
  busy(4, 1h);
  const Awaited others[] = {{InstanceId(3), 20s}};
  const RouteChoice film =
      route(pool_, model_, {.message = kFilm, .instance = {}, .slack = 500ms}, kNow, others);
  EXPECT_TRUE(small(film));
}

TEST_F(Dispatching, NobodyWaitsForLongerThanItSaves) {
  busy(3, 10s);
  busy(4, 10s);
  EXPECT_TRUE(small(route_of(kFilm)));
}

TEST_F(Dispatching, ARunThatOutlivesItsPredictionIsNotWaitedForEver) {
  pool_.begin_run(InstanceId(3), RunId(3), kNow - 1min, kNow - 59s);
  pool_.begin_run(InstanceId(4), RunId(4), kNow - 1min, kNow - 59s);
  EXPECT_TRUE(small(route_of(kFilm)));
}

TEST_F(Dispatching, ALargerNeedOfMemoryIsWaitedFor) {
  busy(3, 10s);
  busy(4, 12s);
  RouteNeed need;
  need.instance.memory_bytes_min = 256 << 20;
  const RouteChoice route = route_of(kThumbnail, need);
  ASSERT_TRUE(route.wait_for);
  EXPECT_EQ(route.wait_for->instance, InstanceId(3));
  pool_.end_run(InstanceId(3), kNow, true);
  EXPECT_EQ(route_of(kThumbnail, need).instance, InstanceId(3));
}

TEST_F(Dispatching, ASlowedInstanceGetsWhatNobodyElseDoesSooner) {
  for (int i = 0; i < 6; ++i) pool_.observe(InstanceId(1), {.deviations = 4, .log_factor = 2.3});
  ASSERT_TRUE(pool_.find(InstanceId(1))->health.suspect());
  EXPECT_EQ(route_of(kThumbnail).instance, InstanceId(2));
  busy(2, 10ms);
  busy(3, 10s);
  busy(4, 10s);
  const RouteChoice waits = route_of(kThumbnail);
  ASSERT_TRUE(waits.wait_for);
  EXPECT_EQ(waits.wait_for->instance, InstanceId(2));
}

TEST_F(Dispatching, TheInstanceThatFailedTheMessageIsAvoidedWhileThereIsAnother) {
  RouteNeed need;
  need.instance.not_this = InstanceId(3);
  const RouteChoice film = route_of(kFilm, need);
  EXPECT_EQ(film.instance, InstanceId(4));
  EXPECT_EQ(film.decision.reason, RouteReason::Other);
}

TEST_F(Dispatching, AVariantThatWasNeverTriedIsTriedAndThenJudgedByItsRuns) {
  ServiceModel fresh;
  fresh.configure(settings_.variants);
  for (int i = 0; i < 20; ++i) fresh.observe(0, kFilm, 4s);
  EXPECT_EQ(best_variant(outlooks(fresh, settings_, kFilm, 0), settings_), 1);
  for (int i = 0; i < 3; ++i) fresh.observe(1, kFilm, 4s);
  EXPECT_EQ(best_variant(outlooks(fresh, settings_, kFilm, 0), settings_), 0);
}

TEST_F(Dispatching, AVariantOnWhichAClassWouldTimeOutDoesNotFit) {
  settings_.timeout = 2s;
  const VariantOutlooks of = outlooks(model_, settings_, kFilm, 0);
  EXPECT_FALSE(of[0].fits);
  EXPECT_TRUE(of[1].fits);
}

TEST_F(Dispatching, ThePoolIsMadeOfWhatTheMessagesNeed) {
  VariantMix mix;
  EXPECT_EQ(mix.lacking(pool_), std::nullopt);
  for (int i = 0; i < 100; ++i) mix.observe(kNow, 1, 0.5);
  EXPECT_EQ(mix.lacking(pool_), 1);
  EXPECT_EQ(mix.surplus(pool_), InstanceId(1));
  busy(1, 1s);
  EXPECT_EQ(mix.surplus(pool_), InstanceId(2));
  busy(2, 1s);
  EXPECT_EQ(mix.surplus(pool_), std::nullopt);
}

TEST_F(Dispatching, AVariantsOwnLimitHolds) {
  settings_.variants[1].concurrency_max = 2;
  pool_.configure(settings_);
  VariantMix mix;
  for (int i = 0; i < 100; ++i) mix.observe(kNow, 1, 0.5);
  EXPECT_EQ(mix.lacking(pool_), 0);
  EXPECT_EQ(mix.surplus(pool_), std::nullopt);
}

TEST_F(Dispatching, AMixOfBeforeSaysWhatToStartAndExchangesNothing) {
  VariantMix before;
  for (int i = 0; i < 100; ++i) before.observe(kNow, 1, 0.5);
  VariantMix after;
  ASSERT_TRUE(after.restore(kNow + 24h, before.memory()));
  EXPECT_EQ(after.memory(), before.memory());
  EXPECT_EQ(after.lacking(pool_), 1);
  EXPECT_TRUE(before.surplus(pool_));
  EXPECT_FALSE(after.surplus(pool_));
  for (int i = 0; i < 100; ++i) after.observe(kNow + 24h, 1, 0.5);
  EXPECT_TRUE(after.surplus(pool_));
}

}  // namespace
}  // namespace forewarm
