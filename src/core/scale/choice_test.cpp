#include "core/scale/choice.h"

#include <gtest/gtest.h>

#include "base/random.h"

namespace forewarm {
namespace {

/// Bursts of one to four messages, some minutes apart: the more is kept, the less is missed.
struct Seen {
  Shadow shadow{1, 100};
  TimePoint now = time_point_us(1'000'000'000);
  CandidateChoice choice;
  Random random{3};

  explicit Seen(int bursts) {
    shadow.guess_service(500ms);
    choice.advance(now, 1);
    for (int i = 0; i < bursts; ++i) burst(1);
  }
  /// Each cold message makes so many late in truth.
  void burst(std::uint32_t late_per_cold) {
    const std::uint64_t together = 1 + random.below(4);
    for (std::uint64_t m = 0; m < together; ++m) {
      shadow.arrive(now, 0s);
      choice.observe_ready(shadow);
      const bool cold = chosen && shadow.last_was_cold(*chosen);
      for (std::uint32_t i = 0; cold && i < late_per_cold; ++i) choice.observe_start(true);
      if (!cold) choice.observe_start(false);
    }
    for (std::uint64_t s = 2 + random.below(random.chance(0.2) ? 240 : 8); s > 0; --s)
      shadow.advance(now += 1s, {}, {.lead = 2s, .cost_seconds = 2});
  }
  void choose(const CandidateWish& wish) { chosen = choice.choose(shadow, wish); }
  std::optional<Candidate> chosen;
};

TEST(CandidateChoice, TakesTheCheapestThatKeepsTheObjective) {
  Seen seen(2000);
  const CandidateWish wish{.late_share_max = 0.05};
  seen.choose(wish);
  ASSERT_TRUE(seen.chosen);
  EXPECT_LE(seen.choice.late_share(seen.shadow, *seen.chosen), 0.05);
  const double ours = seen.shadow.record(*seen.chosen).instance_seconds;
  for (std::size_t p = 0; p < kPrices; ++p) {
    if (seen.choice.late_share(seen.shadow, {.price = p}) > 0.05) continue;
    EXPECT_LE(ours, seen.shadow.record({.price = p}).instance_seconds);
  }
  EXPECT_LT(seen.choice.late_share(seen.shadow, {.price = kPrices - 1}), 0.04) << "there were dearer ones";
}

TEST(CandidateChoice, PaysMoreWhereColdMessagesMakeMoreLate) {
  Seen seen(2000);
  const CandidateWish wish{.late_share_max = 0.2};
  seen.choose(wish);
  const Candidate before = *seen.chosen;
  for (int i = 0; i < 2000; ++i) {
    seen.burst(4);
    seen.choose(wish);
  }
  EXPECT_GT(seen.shadow.record(*seen.chosen).instance_seconds,
            1.05 * seen.shadow.record(before).instance_seconds);
  EXPECT_LT(seen.shadow.record(*seen.chosen).cold, 0.7 * seen.shadow.record(before).cold);
}

TEST(CandidateChoice, WeighsLatenessByItsPriceWhereItHasOne) {
  Seen seen(1000);
  const auto cost = [&](Candidate candidate, double price) {
    const CandidateRecord& record = seen.shadow.record(candidate);
    return record.instance_seconds +
           price * seen.choice.late_share(seen.shadow, candidate) * seen.shadow.messages();
  };
  for (const double price : {1.0, 30.0, 1000.0}) {
    seen.choose({.late_price_seconds = price});
    for (std::size_t p = 0; p < kPrices; ++p)
      EXPECT_LE(cost(*seen.chosen, price), 1.03 * cost({.price = p}, price)) << price << " at " << p;
  }
}

TEST(CandidateChoice, IsNotMadeBeforeMessagesTellCandidatesApart) {
  Seen seen(3);
  seen.choose({});
  EXPECT_FALSE(seen.chosen);
}

TEST(CandidateChoice, LooksAtNoMoreWaysThanItMay) {
  Seen seen(500);
  seen.choose({.late_share_max = 1e-4, .ahead_count = 1});
  EXPECT_EQ(seen.chosen->ahead, 0U);
}

}  // namespace
}  // namespace forewarm
