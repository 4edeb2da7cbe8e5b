#include "core/scale/tiers.h"

#include <gtest/gtest.h>

namespace forewarm {
namespace {

using Numbers = std::vector<std::uint32_t>;

/// Slots of 100 s in which that many instances are busy all the time, whatever the level.
std::vector<ProjectedSlot> busy_slots(const std::vector<double>& instances) {
  std::vector<ProjectedSlot> slots;
  for (const double busy : instances) {
    ProjectedSlot slot;
    slot.outlook.seconds = 100;
    slot.outlook.service_seconds = 1;
    slot.outlook.messages.fill(busy * 100);
    slots.push_back(slot);
  }
  return slots;
}

// AWS Lambda's ratios: a committed second is a quarter of a busy one's, a busy second on top 7/12: above 60 %
// of use it pays.
constexpr TierPrices kIdleIsFree{
    .idle_second = 0, .busy_second = 12, .committed_second = 3, .committed_busy_second = 7};

TEST(Tiers, ALevelIsCommittedWhileItIsBusyEnough) {
  const auto slots = busy_slots({3, 2, 2, 1});  // busy shares of 1, 0.75 and 0.25
  const TierSplit split = cheapest_tiers(slots, Numbers{3, 3, 3, 3}, kIdleIsFree);
  EXPECT_EQ(split.committed, 2u);
  EXPECT_DOUBLE_EQ(split.saves, (400 * 12 - 400 * 10) + (300 * 12 - (400 * 3 + 300 * 7)));
}

TEST(Tiers, TheBreakEvenIsOnDemand) {
  EXPECT_EQ(cheapest_tiers(busy_slots({0.6}), Numbers{1}, kIdleIsFree).committed, 0u);
  EXPECT_EQ(cheapest_tiers(busy_slots({0.61}), Numbers{1}, kIdleIsFree).committed, 1u);
}

TEST(Tiers, IdleTimeThatIsKeptCountsWhereItCosts) {
  const TierPrices prices{
      .idle_second = 5, .busy_second = 12, .committed_second = 3, .committed_busy_second = 7};
  EXPECT_EQ(cheapest_tiers(busy_slots({0, 0}), Numbers{1, 1}, prices).committed, 1u);
  EXPECT_EQ(cheapest_tiers(busy_slots({0, 0}), Numbers{1, 0}, prices).committed, 0u);
}

TEST(Tiers, NothingIsCommittedWhereNothingIsSet) {
  EXPECT_EQ(cheapest_tiers(busy_slots({9}), Numbers{0}, kIdleIsFree), TierSplit{});
  EXPECT_EQ(cheapest_tiers({}, {}, kIdleIsFree), TierSplit{});
}

}  // namespace
}  // namespace forewarm
