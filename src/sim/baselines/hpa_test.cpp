#include "sim/baselines/hpa.h"

#include <gtest/gtest.h>

namespace forewarm {
namespace {

/// Reconciles each 15 s.
class Reconciled {
 public:
  Reconciled(const HpaOptions& options, std::uint32_t replicas) : rule_(options), replicas_(replicas) {}

  std::uint32_t next(std::uint32_t recommended) {
    replicas_ = rule_.next(now_, replicas_, recommended);
    now_ += 15s;
    return replicas_;
  }

 private:
  HpaRule rule_;
  std::uint32_t replicas_;
  TimePoint now_ = TimePoint(Duration(1h));
};

TEST(Hpa, AnAverageValueDoesNotCareWhatIsReadyAndAValueMultipliesIt) {
  const HpaRule average({});
  EXPECT_EQ(average.recommend(100, 5, 4, 2), 20U);
  EXPECT_EQ(average.recommend(100, 5, 19, 2), 19U) << "100 / 95 is within a tenth of 1";
  const HpaRule value({.metric = HpaMetric::Value});
  EXPECT_EQ(value.recommend(100, 5, 4, 2), 40U) << "20 times the target, 2 ready";
  EXPECT_EQ(value.recommend(100, 5, 40, 40), 800U) << "and again when those are ready";
  EXPECT_EQ(value.recommend(5.4, 5, 7, 3), 7U) << "the ratio, 1.08, is compared without the pods";
}

TEST(Hpa, WithoutABehaviorItGoesUpByDoublesAtLeastToFour) {
  Reconciled hpa({}, 1);
  EXPECT_EQ(hpa.next(20), 4U);
  EXPECT_EQ(hpa.next(20), 8U);
  EXPECT_EQ(hpa.next(20), 16U);
  EXPECT_EQ(hpa.next(20), 20U);
}

TEST(Hpa, ADefaultBehaviorAddsFourOrDoublesWhateverIsMore) {
  Reconciled hpa({.behavior = HpaBehavior{}}, 1);
  EXPECT_EQ(hpa.next(30), 5U) << "1 + 4 is more than 1 x 2";
  EXPECT_EQ(hpa.next(30), 10U) << "5 x 2 is more than 5 + 4";
  EXPECT_EQ(hpa.next(30), 20U);
  EXPECT_EQ(hpa.next(30), 30U);
}

TEST(Hpa, ABehaviorCountsFromTheBeginOfItsPeriod) {
  Reconciled hpa({.behavior = HpaBehavior{.up_pods = 4, .up_percent = 50, .period = 60s}}, 2);
  EXPECT_EQ(hpa.next(30), 6U) << "2 + 4";
  for (int sync = 1; sync < 4; ++sync) EXPECT_EQ(hpa.next(30), 6U) << sync * 15 << " s: 4 are added already";
  EXPECT_EQ(hpa.next(30), 10U) << "60 s later: 6 + 4, more than 6 x 1.5";
}

TEST(Hpa, ABehaviorsWindowUpTakesTheLeastOfItsTime) {
  Reconciled hpa({.behavior = HpaBehavior{.up_window = 30s, .up_pods = 100}}, 2);
  EXPECT_EQ(hpa.next(2), 2U);
  EXPECT_EQ(hpa.next(20), 2U) << "2 was said 15 s ago";
  EXPECT_EQ(hpa.next(12), 12U) << "the 2 is 30 s old, which is too old";
  EXPECT_EQ(hpa.next(20), 12U) << "12 is the least of the last 30 s";
}

TEST(Hpa, ABehaviorsPercentDownIsOfTheBeginOfItsPeriod) {
  Reconciled hpa({.stabilisation = 0s, .behavior = HpaBehavior{.down_percent = 10, .period = 60s}}, 100);
  EXPECT_EQ(hpa.next(10), 90U);
  for (int sync = 1; sync < 4; ++sync) EXPECT_EQ(hpa.next(10), 90U) << sync * 15 << " s";
  EXPECT_EQ(hpa.next(10), 81U) << "60 s later: 90 less a tenth";
}

TEST(Hpa, OfPercentAndPodsDownTheOneThatAllowsMoreCounts) {
  Reconciled hpa({.stabilisation = 0s, .behavior = HpaBehavior{.down_pods = 30, .down_percent = 10}}, 100);
  EXPECT_EQ(hpa.next(10), 70U);
}

TEST(Hpa, StabilisesDownWithAndWithoutABehavior) {
  for (const bool with : {false, true}) {
    Reconciled hpa({.stabilisation = 60s, .behavior = with ? std::optional(HpaBehavior{}) : std::nullopt},
                   10);
    EXPECT_EQ(hpa.next(10), 10U);
    const int held = with ? 3 : 4;  // a behavior's window is without its end
    for (int sync = 1; sync <= held; ++sync)
      EXPECT_EQ(hpa.next(3), 10U) << sync * 15 << " s: 10 counts still";
    EXPECT_EQ(hpa.next(3), 3U) << (held + 1) * 15 << " s";
    EXPECT_EQ(hpa.next(0), 3U);
  }
}

TEST(Hpa, NeverGoesBelowOneOrTheMinimumOrAboveTheMaximum) {
  Reconciled none({.stabilisation = 0s}, 3);
  EXPECT_EQ(none.next(0), 1U);
  Reconciled bounded({.min = 2, .max = 5, .stabilisation = 0s, .behavior = HpaBehavior{}}, 3);
  EXPECT_EQ(bounded.next(0), 2U);
  EXPECT_EQ(bounded.next(100), 5U);
}

}  // namespace
}  // namespace forewarm
