#include "core/retry/circuit_breaker.h"

#include <gtest/gtest.h>

#include <set>

#include "base/random.h"
#include "core/retry/outage_history.h"

namespace forewarm {
namespace {

constexpr std::uint64_t kDown = 77;
constexpr std::uint64_t kBad = 88;
constexpr std::uint32_t kLeft = 4;

/// One function's breakers, its clock, and its messages.
class Breakers : public testing::Test {
 protected:
  TimePoint now_ = time_point_us(0) + 1h;
  CircuitBreakers breakers_;
  std::uint64_t held_ = 0;
  std::size_t taken_ = 0;  ///< by the last look

  void first(std::uint64_t fingerprint, std::uint64_t tenant = 0) { attempt(true, 0, fingerprint, tenant); }
  void again(std::uint64_t previous, std::uint64_t fingerprint) { attempt(false, previous, fingerprint); }
  void attempt(bool is_first, std::uint64_t previous, std::uint64_t fingerprint, std::uint64_t tenant = 0) {
    now_ += 1s;
    breakers_.observe({.at = now_,
                       .first = is_first,
                       .again = !is_first,
                       .previous = previous,
                       .error = fingerprint == 0 ? ErrorClass::None : ErrorClass::Handler,
                       .fingerprint = fingerprint,
                       .tenant = TenantId(tenant)});
  }
  void succeed(int times) {
    for (int i = 0; i < times; ++i) first(0);
  }
  void fail(int times, std::uint64_t fingerprint = kDown) {
    for (int i = 0; i < times; ++i) first(fingerprint);
  }
  /// Each fails twice, and so many others succeed after it.
  void ten_bad_ones(int others) {
    for (int i = 0; i < 10; ++i) {
      first(kBad);
      again(kBad, kBad);
      succeed(others);
    }
  }
  void hold(std::size_t count, std::uint64_t fingerprint = kDown) {
    for (std::size_t i = 0; i < count; ++i)
      breakers_.hold(MessageId(++held_), ErrorClass::Handler, fingerprint, kLeft);
  }
  BreakerView view(std::uint64_t fingerprint = kDown) {
    return breakers_.view(now_, ErrorClass::Handler, fingerprint);
  }
  /// Canaries of a partial breaker fail until it has changed its state; how many it took.
  int fail_canaries(std::uint64_t fingerprint, BreakerState until) {
    int canaries = 0;
    for (int i = 0; i < 5000 && view(fingerprint).state != until; ++i) {
      now_ = std::max(now_ + 1s, breakers_.wake_at());
      const std::vector<MessageId> due = breakers_.take_due(now_, 0, 64);
      taken_ = due.size();
      if (view(fingerprint).state == until) break;
      for (const MessageId id : due) {
        ++canaries;
        again(fingerprint, fingerprint);
        breakers_.hold(id, ErrorClass::Handler, fingerprint, kLeft);
        succeed(3);
      }
    }
    return canaries;
  }
};

TEST_F(Breakers, EverydayErrorsOpenNothing) {
  for (int i = 0; i < 2000; ++i) {
    succeed(30);
    first(kDown);
    again(kDown, 0);
  }
  EXPECT_EQ(view().state, BreakerState::Closed);
  EXPECT_EQ(breakers_.wake_at(), kNever);
}

TEST_F(Breakers, WhenAllFailOnlyCanariesRunAfterAHandfulOfMessages) {
  succeed(100);
  fail(2);
  EXPECT_EQ(view().state, BreakerState::Closed);
  fail(1);
  EXPECT_EQ(view().state, BreakerState::Open);
  EXPECT_TRUE(view().everything);
  EXPECT_EQ(view().cause, FailureCause::Unknown) << "nothing tells it from bad messages yet";
  EXPECT_FALSE(breakers_.may_run(now_, 0));
  EXPECT_GT(breakers_.wake_at(), now_);
  now_ = breakers_.wake_at();
  EXPECT_TRUE(breakers_.may_run(now_, 0));
  breakers_.run_begins(now_);
  EXPECT_FALSE(breakers_.may_run(now_, 1));
}

TEST_F(Breakers, ABurstOfErrorsThatAllLookDifferentOpensToo) {
  succeed(100);
  for (std::uint64_t i = 0; i < 12; ++i) first(1000 + i);
  EXPECT_FALSE(breakers_.may_run(now_, 0));
}

TEST_F(Breakers, WhenSomeMessagesFailTheOthersGoOn) {
  succeed(200);
  for (int i = 0; i < 20; ++i) {
    fail(1);
    succeed(2);
  }
  EXPECT_EQ(view().state, BreakerState::Open);
  EXPECT_FALSE(view().everything);
  EXPECT_TRUE(breakers_.may_run(now_, 100));
}

TEST_F(Breakers, ACanaryThatSucceedsLetsTheOthersGoTwiceAsManyEachTime) {
  succeed(100);
  for (int i = 0; i < 20; ++i) {
    fail(1);
    succeed(2);
  }
  hold(100);
  now_ = breakers_.wake_at();
  ASSERT_EQ(breakers_.take_due(now_, 0, 64).size(), 1U);
  again(kDown, 0);
  EXPECT_EQ(view().state, BreakerState::HalfOpen);
  std::size_t going = breakers_.take_due(now_, 0, 64).size();
  EXPECT_EQ(going, 2U);
  for (std::size_t i = 0; i < going; ++i) again(kDown, 0);
  going = breakers_.take_due(now_, 0, 64).size();
  EXPECT_GE(going, 4U);
  for (int i = 0; i < 3; ++i) again(kDown, kDown);
  EXPECT_EQ(view().state, BreakerState::Open);
  EXPECT_TRUE(breakers_.take_due(now_, 0, 64).empty());
}

TEST_F(Breakers, WhatOutlivesOutagesWhileOthersSucceedIsTheMessages) {
  succeed(100);
  ten_bad_ones(20);
  ASSERT_EQ(view(kBad).state, BreakerState::Open);
  EXPECT_TRUE(view(kBad).young);
  hold(4, kBad);
  const TimePoint began = now_;
  EXPECT_LT(fail_canaries(kBad, BreakerState::Permanent), 200);
  EXPECT_EQ(view(kBad).cause, FailureCause::Message);
  EXPECT_GE(now_ - began, 4min);
  EXPECT_EQ(taken_, 4U);
}

TEST_F(Breakers, WhereOthersSucceedFewAnswerForAllThatWait) {
  succeed(100);
  ten_bad_ones(4);
  ASSERT_EQ(view(kBad).state, BreakerState::Open);
  ASSERT_FALSE(view(kBad).everything);
  hold(300, kBad);
  EXPECT_LT(fail_canaries(kBad, BreakerState::Permanent), 60) << "and not one by each of them";
}

TEST_F(Breakers, ABatchOfWhatWasTheMessagesFaultIsToo) {
  succeed(100);
  ten_bad_ones(20);
  hold(4, kBad);
  fail_canaries(kBad, BreakerState::Permanent);
  ASSERT_EQ(view(kBad).state, BreakerState::Permanent);
  for (std::uint64_t i = 0; i < 40; ++i) {
    first(kBad, i);
    first(kBad, i + 1);
    succeed(1);
    ASSERT_EQ(view(kBad).state, BreakerState::Permanent);
  }
  for (std::uint64_t i = 0; i < 20; ++i) first(kBad, i);
  EXPECT_TRUE(view(kBad).everything) << "unless nothing else comes";
}

TEST_F(Breakers, WhatIsKnownOfAnErrorSaysMoreThanThatErrorsAreNew) {
  constexpr std::uint64_t kNew = 1000;
  succeed(100);
  for (std::uint64_t i = 0; i < 20; ++i) {
    first(kNew + i);
    succeed(1);
  }
  ASSERT_EQ(view(kNew + 100).state, BreakerState::Open) << "whatever is new waits";
  ten_bad_ones(20);
  hold(4, kBad);
  fail_canaries(kBad, BreakerState::Permanent);
  EXPECT_EQ(view(kBad).state, BreakerState::Permanent);
}

TEST_F(Breakers, AHandfulThatIsAloneUsesUpItsAttemptsWithinWhatOutagesLast) {
  succeed(100);
  fail(3);
  ASSERT_EQ(view().state, BreakerState::Open);
  EXPECT_TRUE(view().counts) << "a batch of bad messages is as likely";
  hold(3);
  std::vector<std::uint32_t> left(4, kLeft);
  const TimePoint began = now_;
  int canaries = 0;
  for (int i = 0; i < 1000 && breakers_.wake_at() != kNever; ++i) {
    now_ = std::max(now_, breakers_.wake_at());
    for (const MessageId id : breakers_.take_due(now_, 0, 64)) {
      ++canaries;
      again(kDown, kDown);
      if (--left[id.value()] > 0) breakers_.hold(id, ErrorClass::Handler, kDown, left[id.value()]);
    }
  }
  EXPECT_EQ(canaries, 12);
  EXPECT_GT(now_ - began, 5min) << "most outages are outlived";
  EXPECT_LT(now_ - began, 1h);
}

TEST_F(Breakers, AnAttemptThatCountsIsNeverWaitedForLongerThanTheLongestBackoff) {
  breakers_.use({.backoff_max = 200ms});
  succeed(100);
  fail(3);
  hold(2);
  ASSERT_EQ(view().state, BreakerState::Open);
  EXPECT_LE(breakers_.wake_at(), now_ + 200ms);
}

TEST_F(Breakers, NewMessagesOfWhicheverTenantThatFailSayItIsDown) {
  succeed(100);
  for (std::uint64_t tenant = 1; tenant <= 5; ++tenant) first(kDown, tenant);
  EXPECT_FALSE(view().counts);
  EXPECT_EQ(view().cause, FailureCause::Outage);
  first(0, 9);
  EXPECT_TRUE(view().counts) << "one succeeds";
}

TEST_F(Breakers, OfOneTenantItTakesMoreThanABatch) {
  succeed(100);
  fail(8);
  EXPECT_TRUE(view().counts);
  fail(8);
  EXPECT_FALSE(view().counts);
}

TEST_F(Breakers, OfOneTenantAmongOthersNoNumberSaysItIsDown) {
  for (std::uint64_t i = 0; i < 200; ++i) first(0, 1 + i % 8);
  for (int i = 0; i < 40; ++i) {
    first(kDown, 3);
    EXPECT_TRUE(view().counts);
    EXPECT_NE(view().cause, FailureCause::Outage);
  }
  for (const std::uint64_t tenant : {1, 2, 4, 5, 6}) first(kDown, tenant);
  EXPECT_FALSE(view().counts) << "others fail too";
}

TEST_F(Breakers, OfTheOnlyTenantThatSendsItDoesInTheEnd) {
  for (int i = 0; i < 100; ++i) first(0, 3);
  for (int i = 0; i < 16; ++i) first(kDown, 3);
  EXPECT_FALSE(view().counts);
}

TEST_F(Breakers, ATenantThatNeverWorkedIsNotTakenForAllThatThereAre) {
  first(0, 1);
  for (int i = 0; i < 40; ++i) first(kDown, 3);
  EXPECT_TRUE(view().counts);
}

TEST_F(Breakers, ANewVersionThatFailsIsDownWhoeverSends) {
  for (std::uint64_t i = 0; i < 200; ++i) first(0, 1 + i % 8);
  breakers_.version_changed(now_);
  for (int i = 0; i < 8; ++i) first(kDown, 3);
  EXPECT_FALSE(view().counts);
  EXPECT_EQ(view().cause, FailureCause::Deploy);
}

TEST_F(Breakers, OneNewMessageThatSucceedsEndsAnOutageThatLittleSpokeFor) {
  succeed(100);
  fail(3);
  ASSERT_TRUE(view().everything);
  hold(3);
  first(0);
  EXPECT_FALSE(view().everything);
  EXPECT_TRUE(breakers_.may_run(now_, 100));
  EXPECT_EQ(breakers_.take_due(now_, 5, 64).size(), 1U) << "and one that failed is asked at once";
}

TEST_F(Breakers, WhatNeverWorkedIsNotDownForAHandful) {
  fail(9);
  EXPECT_EQ(view().state, BreakerState::Closed);
  fail(1);
  EXPECT_EQ(view().state, BreakerState::Open);
}

TEST_F(Breakers, WhatFailsForEverybodyIsNeverTheMessages) {
  fail(12);
  EXPECT_FALSE(view().counts);
  for (int hour = 0; hour < 48; ++hour) {
    now_ += 1h;
    breakers_.take_due(now_, 10, 64);
    EXPECT_TRUE(breakers_.may_run(now_, 0));
    first(kDown);
  }
  EXPECT_EQ(view().state, BreakerState::Open);
}

/// Whatever comes, no message is forgotten or let go twice, and what waits is looked at again.
TEST_F(Breakers, KeepWhatIsHeldAndNeverStandStill) {
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    Random random(seed);
    CircuitBreakers breakers;
    std::set<MessageId> waiting;
    std::uint64_t last = 0;
    TimePoint now = now_;
    double failing = 0.1;
    for (int i = 0; i < 2000; ++i) {
      SCOPED_TRACE("seed " + std::to_string(seed) + " step " + std::to_string(i));
      if (random.chance(0.01)) failing = random.uniform();
      if (random.chance(0.002)) breakers.version_changed(now);
      now += from_seconds(random.exponential(3));
      const bool again = random.chance(0.4);
      const std::uint64_t fingerprint = 1 + random.below(3);
      const bool fails = random.chance(failing);
      const ErrorClass error = fingerprint == 3 ? ErrorClass::Timeout : ErrorClass::Handler;
      breakers.observe({.at = now,
                        .first = !again,
                        .again = again,
                        .previous = again ? 1 + random.below(3) : 0,
                        .error = fails ? error : ErrorClass::None,
                        .fingerprint = fails ? fingerprint : 0,
                        .tenant = TenantId(random.below(4))});
      const BreakerView seen = breakers.view(now, error, fingerprint);
      if (fails && (seen.state == BreakerState::Open || seen.state == BreakerState::HalfOpen)) {
        breakers.hold(MessageId(++last), error, fingerprint, 1 + static_cast<std::uint32_t>(random.below(5)));
        waiting.insert(MessageId(last));
      }
      if (breakers.wake_at() > now && random.chance(0.7)) continue;
      for (const MessageId id : breakers.take_due(now, random.below(3), 8)) ASSERT_EQ(waiting.erase(id), 1U);
      ASSERT_TRUE(waiting.empty() || breakers.wake_at() <= now + 1h);
      // A new message that may not run now may after a wait, whoever else is there.
      ASSERT_TRUE(breakers.may_run(now, 0) || breakers.may_run(now + 1h, 0));
    }
    std::size_t held = 0;
    for (const CircuitBreakers::Row& row : breakers.rows(now)) held += row.held;
    ASSERT_EQ(held, waiting.size());
  }
}

TEST_F(Breakers, ANewVersionIsTriedAtOnceAndNamedWhereItFails) {
  breakers_.version_changed(now_);
  fail(10);
  EXPECT_EQ(view().cause, FailureCause::Deploy);
  now_ += 1ms;
  EXPECT_FALSE(breakers_.may_run(now_, 0));
  breakers_.version_changed(now_);
  EXPECT_TRUE(breakers_.may_run(now_, 0));
}

TEST_F(Breakers, RemembersAsManyFingerprintsAsItHasRoomFor) {
  for (std::uint64_t i = 1; i < 5000; ++i) {
    succeed(40);
    first(i);
  }
  EXPECT_LE(breakers_.rows(now_).size(), 65U);
}

TEST(OutageHistory, WhatLastedLongIsExpectedToLastLonger) {
  const OutageHistory history;
  Duration before = Duration(0);
  for (const Duration age : {Duration(1s), Duration(1min), Duration(10min), Duration(2h), Duration(240h)}) {
    const Duration left = history.quantile(age, 0.5) - age;
    EXPECT_GT(left, before);
    before = left;
  }
}

TEST(OutageHistory, LearnsHowLongTheyLast) {
  OutageHistory history;
  for (int i = 0; i < 20; ++i) history.observe(10s);
  EXPECT_LT(history.quantile(Duration(0), 0.95), 2min);
  for (int i = 0; i < 100; ++i) history.observe(1h);
  EXPECT_GT(history.quantile(Duration(0), 0.5), 30min);
}

TEST(OutageHistory, QuantilesAscendAndNeverLieBeforeTheAge) {
  const OutageHistory history;
  for (const Duration age : {Duration(0), Duration(30s), Duration(5h)}) {
    Duration before = age;
    for (const double p : {0.0, 0.1, 0.5, 0.9, 1.0}) {
      EXPECT_GE(history.quantile(age, p), before);
      before = history.quantile(age, p);
    }
  }
}

TEST_F(Breakers, WhoWaitsAsksAtOnceWhenWhatTheFunctionNeedsIsSaidToHaveChanged) {
  constexpr std::uint32_t kWell = 5;
  succeed(100);
  fail(12);
  hold(12);
  now_ += 20min;
  breakers_.take_due(now_, 0, 64);
  again(kDown, kDown);
  const TimePoint planned = breakers_.wake_at();
  ASSERT_GT(planned, now_ + 60s);
  now_ += 10s;
  EXPECT_TRUE(breakers_.upstream_came_to(kWell));
  EXPECT_LE(breakers_.wake_at(), now_);
  ASSERT_EQ(breakers_.take_due(now_, 0, 64).size(), 1U);
  again(kDown, kDown);
  EXPECT_LE(breakers_.wake_at(), planned) << "asked beside the schedule, which goes on";
  EXPECT_GE(breakers_.wake_at(), now_);
  now_ = breakers_.wake_at();
  ASSERT_EQ(breakers_.take_due(now_, 0, 64).size(), 1U);
  again(kDown, 0);
  EXPECT_EQ(view().state, BreakerState::HalfOpen);
  EXPECT_FALSE(breakers_.upstream_came_to(kWell)) << "nobody waits to ask";
}

TEST_F(Breakers, ASignalThatChangesForNothingIsNotHeededForLong) {
  succeed(100);
  fail(12);
  hold(50);
  now_ += 10min;
  breakers_.take_due(now_, 0, 64);
  again(kDown, kDown);
  int asked = 0;
  for (int i = 0; i < 40; ++i) {
    now_ += 1s;
    if (!breakers_.upstream_came_to(5)) break;
    asked += static_cast<int>(breakers_.take_due(now_, 0, 64).size());
    again(kDown, kDown);
  }
  EXPECT_GE(asked, 2);
  EXPECT_LE(asked, 6);
}

}  // namespace
}  // namespace forewarm
