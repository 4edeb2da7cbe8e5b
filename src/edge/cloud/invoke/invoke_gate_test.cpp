#include "edge/cloud/invoke/invoke_gate.h"

#include <gtest/gtest.h>

#include <deque>

namespace forewarm {
namespace {

using namespace std::chrono_literals;

constexpr InvokeGate::Time kStart{100h};

TEST(InvokeGate, LetsEverythingThroughUntilSomethingIsRefused) {
  InvokeGate gate(1);
  for (int i = 0; i < 1'000; ++i) {
    ASSERT_TRUE(gate.is_open(kStart));
    gate.begin();
  }
  EXPECT_EQ(gate.under_way(), 1'000U);
}

TEST(InvokeGate, WhatWasUnderWayAtTheRefusalIsTheLimit) {
  InvokeGate gate(1);
  for (int i = 0; i < 20; ++i) gate.begin();
  for (int i = 0; i < 15; ++i) gate.refused(kStart + 1ms, kStart, 0ms);
  EXPECT_EQ(gate.limit(), 5U);
  EXPECT_FALSE(gate.is_open(kStart + 1h)) << "five are under way";
  gate.answered(kStart + 2ms);
  EXPECT_TRUE(gate.is_open(kStart + 2ms)) << "no pause while others are answered";
}

TEST(InvokeGate, GrowsByOneForARoundOfAnswersWhenTheLimitHasHeld) {
  InvokeGate gate(1);
  for (int i = 0; i < 5; ++i) gate.begin();
  gate.refused(kStart, kStart, 0ms);
  ASSERT_EQ(gate.limit(), 4U);
  const auto round = [&gate](InvokeGate::Time at) {
    for (int i = 0; i < 4; ++i) {
      gate.answered(at);
      gate.begin();
    }
  };
  round(kStart + 1s);
  EXPECT_EQ(gate.limit(), 4U) << "too soon";
  round(kStart + 3s);
  EXPECT_EQ(gate.limit(), 5U);
}

TEST(InvokeGate, PausesLongerEachTimeWhereNothingIsTakenAndForgetsItWithTheFirstAnswer) {
  InvokeGate gate(7);
  InvokeGate::Time now = kStart;
  for (int i = 0; i < 12; ++i) {
    ASSERT_TRUE(gate.is_open(now));
    gate.begin();
    gate.refused(now, now, 0ms);
    const auto pause = std::chrono::duration_cast<std::chrono::milliseconds>(gate.closed_until() - now);
    EXPECT_FALSE(gate.is_open(now));
    EXPECT_GE(pause, std::min<std::chrono::milliseconds>(100ms * (1 << i), 5s)) << i;
    EXPECT_LE(pause, InvokeGate::kPauseLongest);
    now = gate.closed_until();
  }
  gate.begin();
  gate.answered(now);
  gate.begin();
  gate.refused(now, now, 0ms);
  EXPECT_LE(gate.closed_until() - now, 200ms);
}

TEST(InvokeGate, WaitsAsLongAsThePlatformAsks) {
  InvokeGate gate(7);
  gate.begin();
  gate.begin();
  gate.refused(kStart, kStart, 3s);
  gate.answered(kStart);
  EXPECT_FALSE(gate.is_open(kStart + 2999ms));
  EXPECT_TRUE(gate.is_open(kStart + 3s));
}

TEST(InvokeGate, ManyRefusalsOfOneMomentAreOneReasonToPause) {
  InvokeGate gate(7);
  for (int i = 0; i < 50; ++i) gate.begin();
  for (int i = 0; i < 50; ++i) gate.refused(kStart + 1ms, kStart, 0ms);
  EXPECT_LE(gate.closed_until() - kStart, 250ms);
}

/// A function of a reserved concurrency whose runs take 100 ms, and thirty slots that always have work.
TEST(InvokeGate, KeepsAFunctionBusyAtItsOwnLimitWithFewRefusals) {
  constexpr std::uint32_t kReserved = 7;
  InvokeGate gate(3);
  InvokeGate::Time now = kStart;
  std::deque<InvokeGate::Time> running;
  std::uint64_t answered = 0, refused = 0;
  for (; now < kStart + 60s; now += 1ms) {
    while (!running.empty() && running.front() + 100ms <= now) {
      running.pop_front();
      gate.answered(now);
      ++answered;
    }
    while (gate.under_way() < 30 && gate.is_open(now)) {
      gate.begin();
      if (running.size() < kReserved) {
        running.push_back(now);
      } else {
        gate.refused(now, now, 0ms);
        ++refused;
      }
    }
  }
  EXPECT_GT(answered, 60U * 10 * kReserved * 95 / 100);
  EXPECT_LT(refused, answered / 50);
}

}  // namespace
}  // namespace forewarm
