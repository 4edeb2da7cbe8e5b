#include "core/scale/shadow/gap_hazard.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "base/math.h"
#include "base/random.h"

namespace forewarm {
namespace {

constexpr std::size_t kPriceOf64 = 7;

bool at_price(PriceMask mask, std::size_t price) {
  return (mask >> price & 1U) != 0;
}

TEST(GapCounts, BinsHoldWhatBelongsToThem) {
  Random random(5);
  for (int i = 0; i < 10'000; ++i) {
    const auto gap = from_seconds(forewarm::exp(random.uniform() * 20 - 8));
    const std::size_t bin = GapCounts::bin_of(gap);
    if (bin + 1 == GapCounts::kBins) continue;
    ASSERT_GE(seconds(gap), GapCounts::bin_begins(bin) * (1 - 1e-9));
    ASSERT_LT(seconds(gap), GapCounts::bin_begins(bin + 1) * (1 + 1e-9));
  }
  EXPECT_EQ(GapCounts::bin_of(Duration(0)), 0U);
  EXPECT_EQ(GapCounts::bin_of(Duration::max()), GapCounts::kBins - 1);
}

TEST(GapHazard, KnowingNothingItKeepsAsLongAsCostsThePrice) {
  GapHazard hazard;
  hazard.decide(1s, 1);
  ASSERT_EQ(price_seconds(kPriceOf64), 64);
  EXPECT_TRUE(at_price(hazard.warm(40s, kAllPrices), kPriceOf64));
  EXPECT_FALSE(at_price(hazard.warm(100s, kAllPrices), kPriceOf64));
  EXPECT_FALSE(at_price(hazard.warm(40s, kAllPrices), kPriceOf64 - 2)) << "16 s";
  EXPECT_FALSE(at_price(hazard.warm(15min, kAllPrices), kPrices - 1)) << "not for hours without a reason";
}

TEST(GapHazard, LetsGoAndIsBackBeforeANeedThatComesRegularly) {
  GapHazard hazard;
  for (int i = 0; i < 50; ++i) hazard.observe_gap(300s);
  hazard.decide(2s, 2);
  EXPECT_FALSE(at_price(hazard.warm(20s, kAllPrices), kPriceOf64));
  EXPECT_FALSE(at_price(hazard.warm(200s, kAllPrices), kPriceOf64));
  EXPECT_TRUE(at_price(hazard.warm(299s, kAllPrices), kPriceOf64));
  EXPECT_TRUE(at_price(hazard.warm(299s, 0), kPriceOf64)) << "also where it was cold before";
  EXPECT_FALSE(at_price(hazard.warm(1000s, kAllPrices), kPriceOf64)) << "it did not come";
  EXPECT_FALSE(at_price(hazard.warm(299s, kAllPrices), 0)) << "worth nothing but its start";
}

TEST(GapHazard, SaysHowSoonANeedIsProbable) {
  GapHazard regular;
  for (int i = 0; i < 1000; ++i) regular.observe_gap(300s);
  const double bin = 1.19;  // gaps are known to a quarter of an octave
  EXPECT_NEAR(regular.need_per_second(0s), 1.0 / 300, 0.19 / 300);
  EXPECT_GT(regular.need_per_second(250s), 1.0 / (300 * bin - 250));
  EXPECT_GT(regular.need_per_second(250s), 4 * regular.need_per_second(0s));
  EXPECT_LT(regular.need_per_second(400s), regular.need_per_second(0s)) << "it did not come";
  EXPECT_EQ(regular.need_per_second(48h), 0);

  GapHazard chance;
  Random random(3);
  for (int i = 0; i < 100'000; ++i)
    chance.observe_gap(from_seconds(-60 * forewarm::log(1 - random.uniform())));
  for (const Duration idle : {0s, 10s, 60s, 120s})
    EXPECT_NEAR(chance.need_per_second(idle) * 60, 1, 0.1) << seconds(idle);

  GapHazard nothing;
  for (const double idle : {1.0, 10.0, 100.0})
    EXPECT_NEAR(nothing.need_per_second(from_seconds(idle)) * idle, 1, 0.35) << idle;
}

TEST(GapHazard, IsNoDearerThanTheBestKeepingTime) {
  Random random(17);
  for (int round = 0; round < 40; ++round) {
    std::vector<double> gaps(400);
    const double mean = forewarm::exp(random.uniform() * 6), regular = random.uniform() * 500;
    for (double& gap : gaps)
      gap = random.chance(0.4) ? regular * (1 + 0.05 * random.uniform())
                               : -mean * forewarm::log(random.uniform() + 1e-12);
    GapHazard hazard;
    for (const double gap : gaps) hazard.observe_gap(from_seconds(gap));
    const double start = 3;
    hazard.decide(from_seconds(start), start);
    for (std::size_t p = 0; p < kPrices; p += 3) {
      const double missed = price_seconds(p) + start;
      double best = std::numeric_limits<double>::infinity();
      for (std::size_t bin = 0; bin < GapCounts::kBins; ++bin) {
        const double keep = GapCounts::bin_begins(bin);
        double cost = 0;
        for (const double gap : gaps) cost += gap < keep ? gap : keep + missed;
        best = std::min(best, cost);
      }
      double ours = 0;
      for (const double gap : gaps) {
        bool warm = true;
        for (std::size_t bin = 0; GapCounts::bin_begins(bin) <= gap && bin + 1 < GapCounts::kBins; ++bin) {
          const double begins = GapCounts::bin_begins(bin);
          const bool now = at_price(hazard.warm(from_seconds(begins * 1.0001 + 1e-4), kAllPrices), p);
          if (now && !warm) ours += start;
          warm = now;
          if (warm) ours += std::min(gap, GapCounts::bin_begins(bin + 1)) - begins;
        }
        if (!warm) ours += missed;
      }
      EXPECT_LE(ours, best * 1.2 + 2 * missed) << "round " << round << ", price " << price_seconds(p);
    }
  }
}

TEST(GapHazard, ANeedStartsAnInstanceOnlyForThoseAfterIt) {
  GapHazard alone, lasting;
  for (int i = 0; i < 50; ++i) {
    alone.observe_after_start(2h);
    lasting.observe_after_start(500ms);
  }
  alone.decide(15s, 15);
  lasting.decide(15s, 15);
  EXPECT_FALSE(at_price(alone.starts_on_need(), kPriceOf64));
  EXPECT_TRUE(at_price(lasting.starts_on_need(), kPriceOf64));
}

TEST(GapHazard, WhatIsForgottenDecidesNoMore) {
  GapHazard hazard;
  for (int i = 0; i < 50; ++i) hazard.observe_gap(300s);
  hazard.decide(2s, 2);
  EXPECT_FALSE(hazard.outdated());
  hazard.forget(1e-12F);
  for (int i = 0; i < 50; ++i) hazard.observe_gap(10s);
  EXPECT_TRUE(hazard.outdated());
  hazard.decide(2s, 2);
  EXPECT_TRUE(at_price(hazard.warm(9s, kAllPrices), kPriceOf64));
  EXPECT_FALSE(at_price(hazard.warm(299s, kAllPrices), kPriceOf64));
}

}  // namespace
}  // namespace forewarm
