#include "core/scale/queueing.h"

#include <gtest/gtest.h>

#include <cmath>

namespace forewarm {
namespace {

TEST(Queueing, ErlangCGivesThePublishedStaffing) {
  // Slots with P(wait) below 5 % and 1 % for 1, 4, 10 and 50 erlangs.
  const struct {
    double offered;
    std::uint32_t five, one;
  } table[] = {{1, 4, 5}, {4, 9, 10}, {10, 17, 19}, {50, 64, 68}};
  for (const auto& row : table) {
    EXPECT_EQ(slots_for_late_share({.offered = row.offered, .slack_in_services = 0}, 0.05, 1000), row.five);
    EXPECT_EQ(slots_for_late_share({.offered = row.offered, .slack_in_services = 0}, 0.01, 1000), row.one);
  }
}

TEST(Queueing, OneSlotIsTheOldQueueMM1) {
  // P(W > t) = rho exp(-(1 - rho) t).
  EXPECT_NEAR(late_share({.offered = 0.5, .slack_in_services = 2}, 1), 0.5 * std::exp(-1.0), 1e-12);
}

TEST(Queueing, WithoutEnoughSlotsAllAreLateAndWithoutLoadNone) {
  EXPECT_EQ(late_share({.offered = 3, .slack_in_services = 1}, 3), 1);
  EXPECT_EQ(late_share({.offered = 0, .slack_in_services = 1}, 0), 0);
  EXPECT_EQ(slots_for_late_share({.offered = 0, .slack_in_services = 0}, 0.01, 10), 0U);
  EXPECT_EQ(slots_for_late_share({.offered = 50, .slack_in_services = 0}, 0.01, 10), 10U);
}

TEST(Queueing, TheLimitJoinsTheExactFormula) {
  for (const double offered : {112.0, 120.0, 125.0}) {
    const SteadyLoad load{.offered = offered, .slack_in_services = 0};
    const double exact = late_share(load, 128);
    const double limit = late_share(load, 129);
    EXPECT_NEAR(limit / exact, 0.8, 0.25) << offered;
  }
}

TEST(Queueing, MoreSlotsOrMoreSlackNeverMakeMoreLate) {
  for (const double offered : {0.3, 7.0, 100.0, 400.0}) {
    double before = 1;
    for (std::uint32_t slots = 1; slots < 600; ++slots) {
      const double share = late_share({.offered = offered, .slack_in_services = 0.1}, slots);
      ASSERT_LE(share, before * (slots == 129 ? 1.2 : 1.0)) << offered << " on " << slots;
      ASSERT_GE(share, late_share({.offered = offered, .slack_in_services = 0.2}, slots));
      before = share;
    }
  }
}

TEST(Queueing, LargePoolsFindTheFewestSlotsToo) {
  const SteadyLoad load{.offered = 2000, .slack_in_services = 0};
  const std::uint32_t slots = slots_for_late_share(load, 0.01, 100'000);
  EXPECT_LE(late_share(load, slots), 0.01);
  EXPECT_GT(late_share(load, slots - 1), 0.01);
  EXPECT_EQ(slots_for_late_share(load, 0.01, 2001), 2001U);
}

}  // namespace
}  // namespace forewarm
