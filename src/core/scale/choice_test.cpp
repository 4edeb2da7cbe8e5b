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

  explicit Seen(int bursts, double late_if_cold = 1) {
    shadow.guess_service(500ms);
    choice.advance(now, late_if_cold);
    for (int i = 0; i < bursts; ++i) burst(1);
  }
  /// Each cold message makes so many late in truth.
  void burst(std::uint32_t late_per_cold) {
    const std::uint64_t together = 1 + random.below(4);
    for (std::uint64_t m = 0; m < together; ++m) {
      shadow.arrive(now, 0s);
      choice.observe_ready(shadow);
      const bool cold = chosen && shadow.last_was_cold(chosen->candidate);
      for (std::uint32_t i = 0; cold && i < late_per_cold; ++i) choice.observe_start(true);
      if (!cold) choice.observe_start(false);
    }
    for (std::uint64_t s = 2 + random.below(random.chance(0.2) ? 240 : 8); s > 0; --s)
      shadow.advance(now += 1s, {}, {.lead = 2s, .cost_seconds = 2});
  }
  void choose(const CandidateWish& wish) { chosen = choice.choose(shadow, wish); }
  double late_share(std::size_t price) const {
    return choice.late_share(shadow, {.candidate = {.price = price}});
  }
  double cost(const Choice& of) const { return shadow.record(of.candidate).instance_seconds; }
  std::optional<Choice> chosen;
};

TEST(CandidateChoice, TakesTheCheapestThatKeepsTheObjective) {
  Seen seen(2000);
  const CandidateWish wish{.late_share_max = 0.05};
  seen.choose(wish);
  ASSERT_TRUE(seen.chosen);
  EXPECT_LE(seen.choice.late_share(seen.shadow, *seen.chosen), 0.05);
  const double ours = seen.cost(*seen.chosen);
  for (std::size_t p = 0; p < kPrices; ++p) {
    if (seen.late_share(p) > 0.05) continue;
    EXPECT_LE(ours, seen.shadow.record({.price = p}).instance_seconds);
  }
  EXPECT_LT(seen.late_share(kPrices - 1), 0.04) << "there were dearer ones";
}

TEST(CandidateChoice, PaysMoreWhereColdMessagesMakeMoreLate) {
  Seen seen(2000);
  const CandidateWish wish{.late_share_max = 0.2};
  seen.choose(wish);
  const Choice before = *seen.chosen;
  for (int i = 0; i < 2000; ++i) {
    seen.burst(4);
    seen.choose(wish);
  }
  EXPECT_GT(seen.cost(*seen.chosen), 1.05 * seen.cost(before));
  EXPECT_LT(seen.shadow.record(seen.chosen->candidate).cold, 0.7 * seen.shadow.record(before.candidate).cold);
}

TEST(CandidateChoice, WeighsLatenessByItsPriceWhereItHasOne) {
  Seen seen(1000);
  const auto cost = [&](const Choice& choice, double price) {
    return seen.cost(choice) + price * seen.choice.late_share(seen.shadow, choice) * seen.shadow.messages();
  };
  for (const double price : {1.0, 30.0, 1000.0}) {
    seen.choose({.late_price_seconds = price});
    for (std::size_t p = 0; p < kPrices; ++p)
      EXPECT_LE(cost(*seen.chosen, price), 1.03 * cost({.candidate = {.price = p}}, price))
          << price << " at " << p;
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
  EXPECT_EQ(seen.chosen->candidate.ahead, 0U);
}

TEST(CandidateChoice, MakesSureOfAStartWhereOneIsNowAndThenTooSlow) {
  const CandidateWish wish{.late_share_max = 0.01};
  Seen seldom(2000, 0.15);
  seldom.choose(wish);
  EXPECT_GE(seldom.chosen->starts_per_cold, 2U);
  EXPECT_LE(seldom.choice.late_share(seldom.shadow, *seldom.chosen), 0.01);
  for (std::size_t p = 0; p < kPrices; ++p) {
    if (seldom.late_share(p) > 0.01) continue;
    EXPECT_LT(seldom.cost(*seldom.chosen), 0.8 * seldom.cost({.candidate = {.price = p}})) << "kept instead";
  }
  for (const double late_if_cold : {0.0, 0.9, 1.0}) {
    Seen certain(500, late_if_cold);
    certain.choose(wish);
    EXPECT_EQ(certain.chosen->starts_per_cold, 1U) << late_if_cold;
  }
}

TEST(CandidateChoice, MoreStartsHelpNoMessageThatIsLateForAnotherReason) {
  Seen seen(500, 0.1);
  const CandidateWish wish{.late_share_max = 0.2};
  seen.choose(wish);
  ASSERT_EQ(seen.chosen->starts_per_cold, 1U);
  for (int i = 0; i < 500; ++i) seen.burst(1);
  const Choice once = *seen.chosen;
  const Choice thrice{.candidate = once.candidate, .starts_per_cold = 3};
  const double late = seen.choice.late_share(seen.shadow, once);
  EXPECT_GT(seen.choice.late_share(seen.shadow, thrice), 0.85 * late);
}

}  // namespace
}  // namespace forewarm
