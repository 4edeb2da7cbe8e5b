#include "core/route/tenant_shares.h"

#include <gtest/gtest.h>

namespace forewarm {
namespace {

constexpr Priority kClass = 4;
constexpr std::uint16_t kAll = 0x3ff;

TEST(TenantShares, AStreamOfEverNewTenantsNeitherStarvesTheOthersNorIsRemembered) {
  TenantShares shares;
  shares.add(TenantId(1), kClass);
  int served = 0;
  for (std::uint64_t id = 2; id <= 10'000; ++id) {
    shares.add(TenantId(id), kClass);
    const auto next = shares.next(kAll);
    ASSERT_TRUE(next.has_value());
    shares.serve(*next);
    if (*next == TenantId(1)) {
      ++served;
    } else {
      shares.remove(*next, kClass);
    }
    // The newcomers come as fast as messages are served, so the line grows by one at each of the first one's
    // turns.
    ASSERT_LE(shares.tenants(), 2U + static_cast<std::size_t>(served));
  }
  EXPECT_GE(served, 100);
}

TEST(TenantShares, ATenantThatGoesAndComesBackStandsAtTheEndOfTheLine) {
  TenantShares shares;
  for (std::uint64_t id = 1; id <= 5; ++id) shares.add(TenantId(id), kClass);
  shares.remove(TenantId(1), kClass);
  shares.add(TenantId(1), kClass);
  for (const std::uint64_t expected : {2U, 3U, 4U, 5U, 1U, 2U}) {
    const auto next = shares.next(kAll);
    EXPECT_EQ(next, TenantId(expected));
    shares.serve(*next);
  }
}

TEST(TenantShares, WhatATenantCouldNotUseIsNotPaidBackInABurst) {
  TenantShares shares;
  shares.add(TenantId(1), 9);
  shares.add(TenantId(2), 0);
  for (int i = 0; i < 100; ++i) shares.serve(TenantId(1));  // class 9 goes first all the time
  int second = 0;
  for (int i = 0; i < 10; ++i) {
    const auto next = shares.next(kAll);
    second += next == TenantId(2) ? 1 : 0;
    shares.serve(*next);
  }
  EXPECT_EQ(second, 5);
}

TEST(TenantShares, OnlyTenantsInTheClassesAskedForAreNext) {
  TenantShares shares;
  shares.add(TenantId(1), 3);
  shares.add(TenantId(2), 5);
  EXPECT_EQ(shares.next(1U << 5), TenantId(2));
  EXPECT_EQ(shares.next(1U << 3), TenantId(1));
  EXPECT_EQ(shares.next(1U << 4), std::nullopt);
  shares.remove(TenantId(2), 5);
  EXPECT_EQ(shares.next(1U << 5), std::nullopt);
  EXPECT_EQ(shares.classes_of(TenantId(1)), 1U << 3);
}

}  // namespace
}  // namespace forewarm
