#include "core/retry/failure_odds.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <functional>

#include "base/random.h"

namespace forewarm {
namespace {

AttemptFeatures some_attempt(Random& random) {
  AttemptFeatures attempt;
  attempt.function = FunctionId(1);
  attempt.tenant = TenantId(1 + random.below(5));
  attempt.bytes = static_cast<std::uint32_t>(1 + random.below(10'000));
  attempt.load = random.uniform();
  attempt.prior = 0.1;
  if (random.chance(0.4)) {
    attempt.failures = static_cast<std::uint16_t>(1 + random.below(4));
    attempt.error = random.chance(0.5) ? ErrorClass::Handler : ErrorClass::Timeout;
    attempt.fingerprint = 1 + random.below(3);
    attempt.since_failure = from_seconds(random.exponential(60));
  }
  return attempt;
}

/// One tenant fails more, one error stays and one passes with time.
double truth(const AttemptFeatures& attempt) {
  double p = attempt.tenant == TenantId(2) ? 0.4 : 0.05;
  if (attempt.fingerprint == 1) p = 0.97;
  if (attempt.fingerprint == 2) p = attempt.since_failure > 30s ? 0.1 : 0.8;
  if (attempt.error == ErrorClass::Timeout && attempt.load > 0.8) p = std::max(p, 0.7);
  return p;
}

struct Score {
  double brier = 0;
  double of_base_rate = 0;
  double worst_bin = 0;
};

Score score(FailureOddsModel& model, int learnt, int scored,
            const std::function<double(const AttemptFeatures&)>& p) {
  Random random(7);
  for (int i = 0; i < learnt; ++i) {
    const AttemptFeatures attempt = some_attempt(random);
    model.learn(attempt, random.chance(p(attempt)));
  }
  Score out;
  double rate = 0;
  std::array<std::array<double, 3>, 10> bins{};
  for (int i = 0; i < scored; ++i) {
    const AttemptFeatures attempt = some_attempt(random);
    const bool failed = random.chance(p(attempt));
    const double odds = model.odds(attempt);
    model.learn(attempt, failed);
    out.brier += (odds - failed) * (odds - failed) / scored;
    rate += static_cast<double>(failed) / scored;
    auto& bin = bins[std::min<std::size_t>(9, static_cast<std::size_t>(odds * 10))];
    bin[0] += odds;
    bin[1] += failed;
    bin[2] += 1;
  }
  out.of_base_rate = rate * (1 - rate);
  for (const auto& [odds, failed, count] : bins) {
    if (count >= 1000) out.worst_bin = std::max(out.worst_bin, std::abs(odds - failed) / count);
  }
  return out;
}

TEST(FailureOddsModel, WithoutEvidenceTheOddsFollowTheHierarchicalEstimate) {
  Random random(1);
  const FailureOddsModel model;
  const AttemptFeatures some = some_attempt(random);
  double before = 0;
  for (int percent = 1; percent < 100; ++percent) {
    AttemptFeatures attempt = some;
    attempt.prior = percent / 100.0;
    EXPECT_GT(model.odds(attempt), before) << "in the same order";
    before = model.odds(attempt);
    const bool sure = percent <= 5 || percent >= 98;
    EXPECT_NEAR(before, attempt.prior, sure ? 0.02 : 0.2) << "but for what is known of calibration";
  }
}

TEST(FailureOddsModel, AFewOutcomesHardlyMoveTheOdds) {
  Random random(1);
  FailureOddsModel model;
  const AttemptFeatures attempt = some_attempt(random);
  model.learn(attempt, false);
  EXPECT_NEAR(model.odds(attempt), attempt.prior, 0.02);
}

TEST(FailureOddsModel, LearnsWhichTenantWhichErrorAndHowLongAfterIt) {
  FailureOddsModel model;
  const Score got = score(model, 20'000, 20'000, truth);
  EXPECT_GT(1 - got.brier / got.of_base_rate, 0.3);
  AttemptFeatures attempt;
  attempt.function = FunctionId(1);
  attempt.tenant = TenantId(1);
  attempt.prior = 0.1;
  attempt.failures = 1;
  attempt.error = ErrorClass::Handler;
  attempt.fingerprint = 2;
  attempt.since_failure = 1s;
  const double at_once = model.odds(attempt);
  attempt.since_failure = 2min;
  EXPECT_GT(at_once, model.odds(attempt) + 0.4);
}

TEST(FailureOddsModel, IsReliableWithinFivePointsInEachTenthOfTheOdds) {
  FailureOddsModel model;
  EXPECT_LT(score(model, 20'000, 40'000, truth).worst_bin, 0.05);
}

TEST(FailureOddsModel, StaysReliableAfterTheWorldChanged) {
  FailureOddsModel model;
  score(model, 20'000, 1, truth);
  const auto changed = [](const AttemptFeatures& attempt) { return 1 - truth(attempt); };
  EXPECT_LT(score(model, 20'000, 40'000, changed).worst_bin, 0.05);
}

TEST(FailureOddsModel, AnswersAProbabilityWhateverComesIn) {
  FailureOddsModel model;
  Random random(3);
  for (const double odd : {-1.0, 0.0, 1.0, 1e300, std::nan(""), HUGE_VAL}) {
    for (int i = 0; i < 200; ++i) {
      AttemptFeatures attempt = some_attempt(random);
      attempt.prior = odd;
      attempt.load = odd;
      attempt.recent_failures = odd;
      attempt.since_failure = i % 2 == 0 ? Duration::max() : Duration::min();
      const double odds = model.odds(attempt);
      ASSERT_TRUE(odds >= 0 && odds <= 1);
      model.learn(attempt, random.chance(0.5));
    }
  }
}

TEST(FailureOddsModel, TheSameOutcomesGiveTheSameBits) {
  FailureOddsModel one;
  FailureOddsModel other;
  const Score a = score(one, 5'000, 100, truth);
  const Score b = score(other, 5'000, 100, truth);
  EXPECT_EQ(a.brier, b.brier);
}

TEST(FailureOddsModel, WhatWasLearntIsGivenBackToOneThatHasLearntNothing) {
  FailureOddsModel before;
  score(before, 3000, 1, truth);
  RetryMemory memory;
  before.remember(memory);
  EXPECT_EQ(memory.learnt, 3001U);
  FailureOddsModel after;
  ASSERT_TRUE(after.restore(memory));
  EXPECT_EQ(after.learnt(), before.learnt());
  Random random(11);
  double apart_from_new = 0;
  const FailureOddsModel fresh;
  for (int i = 0; i < 500; ++i) {
    const AttemptFeatures attempt = some_attempt(random);
    EXPECT_NEAR(after.odds(attempt), before.odds(attempt), 1e-5);
    apart_from_new += std::abs(after.odds(attempt) - fresh.odds(attempt)) / 500;
  }
  EXPECT_GT(apart_from_new, 0.1);
  EXPECT_FALSE(after.restore(memory)) << "it has learnt something";
}

TEST(FailureOddsModel, WhatQuietTimesTaughtIsLetGoWhereItMisleads) {
  FailureOddsModel model;
  AttemptFeatures quiet;
  quiet.function = FunctionId(1);
  quiet.tenant = TenantId(4);
  quiet.prior = 0.5;
  for (int i = 0; i < 500; ++i) model.learn(quiet, true);
  EXPECT_GT(model.odds(quiet), 0.9) << "it has been learnt";
  AttemptFeatures trouble = quiet;
  trouble.breaker = 1;
  trouble.prior = 0.1;
  EXPECT_LT(model.odds(trouble), 0.3) << "with a breaker open the prior is believed first";
  for (int i = 0; i < 10; ++i) model.learn(trouble, false);
  EXPECT_LT(model.odds(trouble), 0.12);
  EXPECT_GT(model.odds(quiet), 0.85) << "and in quiet times still what was learnt in them";
}

TEST(FailureOddsModel, AMemoryThatCannotBeItsOwnIsNotTaken) {
  FailureOddsModel model;
  score(model, 200, 1, truth);
  RetryMemory good;
  model.remember(good);
  const auto refused = [&](const std::function<void(RetryMemory&)>& spoil) {
    RetryMemory bad = good;
    spoil(bad);
    FailureOddsModel other;
    return !other.restore(bad) && other.learnt() == 0;
  };
  EXPECT_FALSE(refused([](RetryMemory&) {}));
  EXPECT_TRUE(refused([](RetryMemory& it) { it.z.pop_back(); }));
  EXPECT_TRUE(refused([](RetryMemory& it) { it.buckets.back() = 1 << 14; }));
  EXPECT_TRUE(refused([](RetryMemory& it) { std::swap(it.buckets.front(), it.buckets.back()); }));
  EXPECT_TRUE(refused([](RetryMemory& it) { it.buckets[1] = it.buckets[0]; }));
  EXPECT_TRUE(refused([](RetryMemory& it) { it.n[0] = -1; }));
  EXPECT_TRUE(refused([](RetryMemory& it) { it.z[0] = std::nanf(""); }));
  EXPECT_TRUE(refused([](RetryMemory& it) { it.weight.push_back(1); }));
  EXPECT_TRUE(refused([](RetryMemory& it) {
    for (auto* rows : {&it.predicted, &it.failed, &it.weight}) rows->resize(FailureOddsModel::kBins);
  })) << "without what is trusted";
  EXPECT_TRUE(refused([](RetryMemory& it) { it.learnt = 0; }));
}

TEST(FailureOddsModel, LearnsWhatASignalSaysOfWhatTheFunctionNeeds) {
  const std::uint32_t up = upstream_level(SignalId(3), 1);
  const std::uint32_t down = upstream_level(SignalId(3), 0);
  const auto with = [](AttemptFeatures attempt, std::uint32_t level) {
    attempt.upstream[0] = level;
    return attempt;
  };
  FailureOddsModel model;
  Random random(5);
  for (int i = 0; i < 4000; ++i) {
    const bool is_down = random.chance(0.2);
    model.learn(with(some_attempt(random), is_down ? down : up), random.chance(is_down ? 0.9 : 0.05));
  }
  AttemptFeatures attempt;
  attempt.function = FunctionId(1);
  attempt.prior = 0.1;
  EXPECT_GT(model.odds(with(attempt, down)), 0.6);
  EXPECT_LT(model.odds(with(attempt, up)), 0.2);
}

TEST(FailureOddsModel, LearnsThatOneTypeOfMessagesFailsMore) {
  const auto of = [](AttemptFeatures attempt, std::uint32_t type) {
    attempt.type = MessageTypeId(type);
    return attempt;
  };
  FailureOddsModel model;
  Random random(6);
  for (int i = 0; i < 4000; ++i) {
    const std::uint32_t type = random.chance(0.2) ? 9 : 4;
    model.learn(of(some_attempt(random), type), random.chance(type == 9 ? 0.7 : 0.05));
  }
  AttemptFeatures attempt;
  attempt.function = FunctionId(1);
  attempt.prior = 0.1;
  EXPECT_GT(model.odds(of(attempt, 9)), 0.4);
  EXPECT_LT(model.odds(of(attempt, 4)), 0.2);
}

}  // namespace
}  // namespace forewarm
