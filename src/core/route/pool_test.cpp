#include "core/route/pool.h"

#include <gtest/gtest.h>

#include <vector>

#include "base/random.h"

namespace forewarm {
namespace {

constexpr TimePoint kStart = time_point_us(1'000'000'000);
constexpr QueueId kQueue(1);

FunctionSettings settings(std::uint32_t version = 1) {
  FunctionSettings result;
  result.id = FunctionId(1);
  result.version = version;
  return result;
}

Pool pool_of_idle(std::initializer_list<std::uint64_t> ids) {
  Pool pool;
  pool.configure(settings());
  for (const std::uint64_t id : ids) {
    pool.start(InstanceId(id), kStart, kQueue, 0);
    pool.ready(InstanceId(id), kStart);
  }
  return pool;
}

void run(Pool& pool, InstanceId id, TimePoint begin, std::optional<bool> success) {
  pool.begin_run(id, RunId(1), begin);
  pool.end_run(id, begin + 1s, success);
}

TEST(Pool, AnInstanceGoesFromStartingToIdleToBusyAndIsGone) {
  Pool pool;
  pool.configure(settings(7));
  pool.start(InstanceId(3), kStart, kQueue, 0);
  EXPECT_EQ(pool.counts(), (InstanceCounts{.starting = 1}));
  EXPECT_EQ(pool.choose({}), std::nullopt);
  EXPECT_TRUE(pool.ready(InstanceId(3), kStart + 1s));
  EXPECT_EQ(pool.counts(), (InstanceCounts{.idle = 1}));
  pool.begin_run(InstanceId(3), RunId(9), kStart + 2s);
  EXPECT_EQ(pool.counts(), (InstanceCounts{.busy = 1}));
  EXPECT_EQ(pool.find(InstanceId(3))->run, RunId(9));
  EXPECT_EQ(pool.choose({}), std::nullopt);
  pool.end_run(InstanceId(3), kStart + 3s, true);
  EXPECT_EQ(pool.find(InstanceId(3))->since, kStart + 3s);
  EXPECT_EQ(pool.find(InstanceId(3))->run, RunId());
  pool.stop(InstanceId(3), kStart + 4s);
  EXPECT_EQ(pool.counts(), (InstanceCounts{.stopping = 1}));
  const auto gone = pool.lost(InstanceId(3));
  ASSERT_TRUE(gone.has_value());
  EXPECT_EQ(gone->version, 7U);
  EXPECT_EQ(gone->runs, 1U);
  EXPECT_EQ(gone->started_for, kQueue);
  EXPECT_EQ(pool.counts(), InstanceCounts{});
}

TEST(Pool, RunsThatCouldNotBeBegunSayNothingOfTheirInstance) {
  Pool pool = pool_of_idle({1});
  run(pool, InstanceId(1), kStart, false);
  for (int attempt = 0; attempt < 10; ++attempt) run(pool, InstanceId(1), kStart, std::nullopt);
  EXPECT_EQ(pool.find(InstanceId(1))->failures_in_row, 1U);
  EXPECT_EQ(pool.counts(), (InstanceCounts{.idle = 1}));
}

TEST(Pool, AFrozenInstanceIsFreeButNotIdleAndRemembersSinceWhen) {
  Pool pool = pool_of_idle({1});
  pool.freeze(InstanceId(1));
  EXPECT_EQ(pool.counts(), (InstanceCounts{.frozen = 1}));
  EXPECT_EQ(pool.counts().usable(), 1U);
  EXPECT_EQ(pool.counts().free(), 1U);
  EXPECT_EQ(pool.find(InstanceId(1))->since, kStart);
  EXPECT_EQ(pool.choose({}), InstanceId(1));
  EXPECT_EQ(pool.coldest(), InstanceId(1));
  pool.thaw(InstanceId(1));
  EXPECT_EQ(pool.counts(), (InstanceCounts{.idle = 1}));
  EXPECT_EQ(pool.find(InstanceId(1))->since, kStart);
}

TEST(Pool, AnIdleInstanceIsTakenBeforeAFrozenOneButNotBeforeOneThatFails) {
  Pool pool = pool_of_idle({1, 2});
  run(pool, InstanceId(1), kStart + 5s, true);
  pool.freeze(InstanceId(1));
  EXPECT_EQ(pool.choose({}), InstanceId(2));  // though it was used less recently
  EXPECT_EQ(pool.choose({.not_this = InstanceId(2)}), InstanceId(1));
  run(pool, InstanceId(2), kStart + 7s, false);
  EXPECT_EQ(pool.choose({}), InstanceId(1));
}

TEST(Pool, AFrozenInstanceOfAnOlderVersionIsUnfit) {
  Pool pool = pool_of_idle({1});
  pool.freeze(InstanceId(1));
  EXPECT_EQ(pool.unfit(kStart), std::nullopt);
  pool.configure(settings(2));
  EXPECT_EQ(pool.unfit(kStart), InstanceId(1));
}

TEST(Pool, WhatIsUnknownIsSaidToBeUnknown) {
  Pool pool = pool_of_idle({1});
  EXPECT_FALSE(pool.ready(InstanceId(2), kStart));
  EXPECT_EQ(pool.find(InstanceId(2)), nullptr);
  EXPECT_EQ(pool.lost(InstanceId(2)), std::nullopt);
}

TEST(Pool, OneThatIsStoppedWhileStartingDoesNotBecomeIdle) {
  Pool pool;
  pool.configure(settings());
  pool.start(InstanceId(1), kStart, kQueue, 0);
  pool.stop(InstanceId(1), kStart);
  EXPECT_TRUE(pool.ready(InstanceId(1), kStart + 1s));
  EXPECT_EQ(pool.counts(), (InstanceCounts{.stopping = 1}));
  EXPECT_EQ(pool.choose({}), std::nullopt);
}

TEST(Pool, TheWarmestInstanceIsChosenAndTheColdestIsStoppedFirst) {
  Pool pool = pool_of_idle({1, 2, 3});
  run(pool, InstanceId(1), kStart + 1s, true);
  run(pool, InstanceId(2), kStart + 10s, true);
  EXPECT_EQ(pool.choose({}), InstanceId(2));
  EXPECT_EQ(pool.coldest(), InstanceId(3));
}

TEST(Pool, FewerRecentFailuresWeighMoreThanWarmth) {
  Pool pool = pool_of_idle({1, 2});
  run(pool, InstanceId(1), kStart + 1s, true);
  run(pool, InstanceId(2), kStart + 5s, false);
  EXPECT_EQ(pool.choose({}), InstanceId(1));
  run(pool, InstanceId(2), kStart + 9s, true);
  EXPECT_EQ(pool.choose({}), InstanceId(2));
}

TEST(Pool, TheCurrentVersionIsChosenFirstAndOlderOnesAreStoppedFirst) {
  Pool pool = pool_of_idle({1});
  run(pool, InstanceId(1), kStart + 1s, true);
  EXPECT_EQ(pool.unfit(kStart), std::nullopt);
  pool.configure(settings(2));
  EXPECT_EQ(pool.unfit(kStart), InstanceId(1));
  EXPECT_EQ(pool.choose({}), InstanceId(1));  // better an old one than none
  pool.start(InstanceId(2), kStart, kQueue, 0);
  pool.ready(InstanceId(2), kStart);
  EXPECT_EQ(pool.choose({}), InstanceId(2));
  EXPECT_EQ(pool.coldest(), InstanceId(1));
}

TEST(Pool, ThreeFailuresInARowMakeAnInstanceUnfit) {
  Pool pool = pool_of_idle({1, 2});
  run(pool, InstanceId(2), kStart, false);
  run(pool, InstanceId(2), kStart, false);
  EXPECT_EQ(pool.unfit(kStart), std::nullopt);
  EXPECT_EQ(pool.coldest(), InstanceId(1));
  run(pool, InstanceId(2), kStart, false);
  EXPECT_EQ(pool.unfit(kStart), InstanceId(2));
  EXPECT_EQ(pool.coldest(), InstanceId(2));
}

TEST(Pool, TheInstanceThatFailedTheMessageIsAvoidedWhileAnotherCanBeHad) {
  Pool pool = pool_of_idle({1, 2});
  EXPECT_EQ(pool.choose({.not_this = InstanceId(1)}), InstanceId(2));
  pool.begin_run(InstanceId(2), RunId(1), kStart);
  EXPECT_EQ(pool.choose({.not_this = InstanceId(1)}), std::nullopt);  // the busy one will be free
  pool.lost(InstanceId(2));
  pool.start(InstanceId(3), kStart, kQueue, 0);
  EXPECT_EQ(pool.choose({.not_this = InstanceId(1)}), std::nullopt);  // the starting one will be ready
  pool.stop(InstanceId(3), kStart);
  EXPECT_EQ(pool.choose({.not_this = InstanceId(1)}), InstanceId(1));
}

TEST(Pool, ARunThatNeedsMoreMemoryGetsAVariantThatHasIt) {
  Pool pool;
  FunctionSettings both = settings();
  both.variants = {{.memory_bytes = 1 << 20}, {.memory_bytes = 8 << 20}};
  pool.configure(both);
  for (std::uint16_t variant = 0; variant < 2; ++variant) {
    pool.start(InstanceId(variant + 1U), kStart, kQueue, variant);
    pool.ready(InstanceId(variant + 1U), kStart);
  }
  run(pool, InstanceId(1), kStart + 1s, true);
  EXPECT_EQ(pool.choose({}), InstanceId(1));
  EXPECT_EQ(pool.choose({.not_this = {}, .memory_bytes_min = 2 << 20}), InstanceId(2));
  EXPECT_EQ(pool.choose({.not_this = {}, .memory_bytes_min = 9 << 20}), std::nullopt);
}

TEST(Pool, CountsAreRightAfterAnySequenceOfChanges) {
  Random random(11);
  Pool pool;
  pool.configure(settings());
  std::uint64_t next = 1;
  for (int i = 0; i < 5000; ++i) {
    const TimePoint now = kStart + Duration(i);
    if (pool.instances().size() < 20 && random.chance(0.3)) pool.start(InstanceId(next++), now, kQueue, 0);
    if (pool.instances().empty()) continue;
    const Pool::Instance chosen = pool.instances()[random.below(pool.instances().size())];
    switch (chosen.state) {
      case InstanceState::Starting:
        pool.ready(chosen.id, now);
        break;
      case InstanceState::Idle:
        random.chance(0.8) ? pool.begin_run(chosen.id, RunId(next), now) : pool.stop(chosen.id, now);
        break;
      case InstanceState::Busy:
        random.chance(0.8) ? pool.end_run(chosen.id, now, random.chance(0.5)) : void(pool.lost(chosen.id));
        break;
      default:
        pool.lost(chosen.id);
    }
    std::array<std::uint32_t, 5> counted{};
    for (const auto& instance : pool.instances()) ++counted[static_cast<std::size_t>(instance.state)];
    ASSERT_EQ(pool.counts(), (InstanceCounts{counted[0], counted[1], counted[2], counted[3], counted[4]}));
    ASSERT_EQ(pool.choose({}).has_value(), counted[1] > 0);
    ASSERT_EQ(pool.coldest().has_value(), counted[1] > 0);
  }
}

TEST(Pool, WhatFailsEverywhereIsNoInstancesFault) {
  Pool pool = pool_of_idle({1, 2, 3, 4});
  for (int round = 0; round < 4; ++round) {
    for (const std::uint64_t id : {1, 2, 3, 4}) run(pool, InstanceId(id), kStart + round * 4s, false);
  }
  EXPECT_EQ(pool.unfit(kStart + 1min), std::nullopt);
  for (int round = 0; round < 20; ++round) {
    for (const std::uint64_t id : {2, 3, 4}) run(pool, InstanceId(id), kStart + 2min, true);
    run(pool, InstanceId(1), kStart + 2min, false);
  }
  EXPECT_EQ(pool.unfit(kStart + 3min), InstanceId(1));
  EXPECT_EQ(pool.why_unfit(*pool.find(InstanceId(1))), ScaleReason::Failing);
}

void convict(Pool& pool, InstanceId id) {
  for (int i = 0; i < 10; ++i) pool.observe(id, {.deviations = 4, .log_factor = 2.3});
}

TEST(Pool, ASlowInstanceIsReplacedWhereOthersServeAndNotAllAtOnce) {
  Pool pair = pool_of_idle({1, 2});
  convict(pair, InstanceId(1));
  EXPECT_EQ(pair.unfit(kStart), std::nullopt);
  Pool pool = pool_of_idle({1, 2, 3, 4, 5});
  EXPECT_FALSE(pool.mixed());
  convict(pool, InstanceId(2));
  EXPECT_TRUE(pool.mixed());
  EXPECT_EQ(pool.unfit(kStart), InstanceId(2));
  EXPECT_EQ(pool.why_unfit(*pool.find(InstanceId(2))), ScaleReason::Slow);
  pool.eject(InstanceId(2), kStart);
  pool.stop(InstanceId(2), kStart);
  EXPECT_TRUE(pool.lost(InstanceId(2)));
  EXPECT_FALSE(pool.mixed());
  convict(pool, InstanceId(4));
  EXPECT_EQ(pool.unfit(kStart + 1s), std::nullopt);
  EXPECT_EQ(pool.unfit(kStart + 31s), InstanceId(4));
}

TEST(Pool, AMessageFollowsItsGroupWhereThatIsFree) {
  Pool pool = pool_of_idle({1, 2});
  pool.begin_run(InstanceId(1), RunId(1), kStart + 1s, kNever, 77);
  pool.end_run(InstanceId(1), kStart + 2s, true);
  run(pool, InstanceId(2), kStart + 3s, true);
  RoutingDecision why;
  EXPECT_EQ(pool.choose({.not_this = {}, .group = 77}, &why), InstanceId(1));
  EXPECT_EQ(why.reason, RouteReason::Group);
  EXPECT_EQ(pool.choose({.not_this = {}, .group = 78}, &why), InstanceId(2));
  EXPECT_EQ(why.reason, RouteReason::Warmest);
}

}  // namespace
}  // namespace forewarm
