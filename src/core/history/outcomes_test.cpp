#include "core/history/outcomes.h"

#include <gtest/gtest.h>

namespace forewarm {
namespace {

constexpr FunctionId kFunction(1);
constexpr TenantId kTenant(77);
const TimePoint kStart(1'000'000s);

TEST(Outcomes, AreCountedByFunctionTenantAndTheErrorBefore) {
  Outcomes outcomes;
  outcomes.observe(kStart, kFunction, kTenant, 0, ErrorClass::None);
  outcomes.observe(kStart, kFunction, kTenant, 5, ErrorClass::Handler);
  outcomes.observe(kStart, kFunction, TenantId(78), 5, ErrorClass::None);
  outcomes.observe(kStart, FunctionId(2), kTenant, 5, ErrorClass::Timeout);
  EXPECT_EQ(outcomes.function(kStart, kFunction).succeeded, 2);
  EXPECT_EQ(outcomes.function(kStart, kFunction).failed, 1);
  EXPECT_EQ(outcomes.tenant(kStart, kFunction, kTenant).succeeded, 1);
  EXPECT_EQ(outcomes.tenant(kStart, kFunction, kTenant).failed, 1);
  EXPECT_EQ(outcomes.after_error(kStart, kFunction, 5).total(), 2);
  EXPECT_EQ(outcomes.after_error(kStart, kFunction, 5).failed, 1);
  EXPECT_EQ(outcomes.after_error(kStart, FunctionId(2), 5).failed, 1);
  EXPECT_EQ(outcomes.after_error(kStart, kFunction, 6).total(), 0);
  EXPECT_EQ(outcomes.totals()[static_cast<std::size_t>(ErrorClass::Timeout)], 1U);
}

TEST(Outcomes, ATenantIsComparedWithTheOthersOfItsTime) {
  Outcomes outcomes;
  const auto all_send = [&](bool down, bool bad) {
    for (std::uint64_t tenant = 1; tenant <= 8; ++tenant) {
      const bool failed = down || (bad && tenant == 3);
      outcomes.observe(kStart, kFunction, TenantId(tenant), 0,
                       failed ? ErrorClass::Handler : ErrorClass::None);
    }
  };
  const auto excess = [&](std::uint64_t tenant) {
    const TenantFailures it = outcomes.tenant_failures(kFunction, TenantId(tenant));
    return (it.seen + 1) / (it.expected + 1);
  };
  for (int i = 0; i < 20; ++i) all_send(false, false);
  for (int i = 0; i < 20; ++i) all_send(true, false);
  for (std::uint64_t tenant = 1; tenant <= 8; ++tenant) EXPECT_NEAR(excess(tenant), 1, 0.3) << "an outage";
  for (int i = 0; i < 20; ++i) all_send(false, false);
  for (int i = 0; i < 20; ++i) all_send(false, true);
  EXPECT_GT(excess(3), 1.4 * excess(2)) << "its own messages are bad";
}

TEST(Outcomes, TheNewestAreKnownOfFirstAttemptsAndOfThoseAfterAnError) {
  Outcomes outcomes;
  outcomes.observe(kStart, kFunction, kTenant, 0, ErrorClass::None);
  outcomes.observe(kStart + 1s, kFunction, kTenant, 5, ErrorClass::Handler);
  outcomes.observe(kStart + 2s, kFunction, kTenant, 5, ErrorClass::Handler);
  EXPECT_EQ(outcomes.newest_first(kFunction).row, 1);
  EXPECT_EQ(outcomes.newest_after(kFunction, 5).row, -2);
  EXPECT_EQ(outcomes.newest(kFunction).row, -2);
  EXPECT_EQ(outcomes.newest(kFunction).seen_at, kStart + 2s);
  EXPECT_EQ(outcomes.newest_after(kFunction, 6).count, 0U);
}

TEST(Outcomes, CapacityProblemsAreInTheTotalsOnly) {
  Outcomes outcomes;
  outcomes.observe(kStart, kFunction, kTenant, 5, ErrorClass::Capacity);
  EXPECT_EQ(outcomes.totals()[static_cast<std::size_t>(ErrorClass::Capacity)], 1U);
  EXPECT_EQ(outcomes.function(kStart, kFunction).total(), 0);
  EXPECT_EQ(outcomes.keys(), 0U);
}

TEST(Outcomes, FadeByHalfInAHalfLifeWhetherReadOrAddedTo) {
  Outcomes outcomes(10min);
  for (int i = 0; i < 8; ++i) outcomes.observe(kStart, kFunction, kTenant, 0, ErrorClass::Crash);
  EXPECT_NEAR(outcomes.function(kStart + 10min, kFunction).failed, 4, 1e-9);
  EXPECT_NEAR(outcomes.function(kStart + 30min, kFunction).failed, 1, 1e-9);
  EXPECT_EQ(outcomes.function(kStart, kFunction).failed, 8);  // reading changes nothing
  outcomes.observe(kStart + 20min, kFunction, kTenant, 0, ErrorClass::None);
  EXPECT_NEAR(outcomes.function(kStart + 20min, kFunction).failed, 2, 1e-9);
  EXPECT_NEAR(outcomes.function(kStart + 20min, kFunction).succeeded, 1, 1e-9);
  EXPECT_EQ(outcomes.function(kStart + 20min, kFunction).at, kStart + 20min);
  EXPECT_NEAR(outcomes.function(kStart + 100'000h, kFunction).total(), 0, 1e-9);
}

TEST(Outcomes, ATimeBeforeTheLastOneNeitherFadesNorGrows) {
  Outcomes outcomes;
  outcomes.observe(kStart, kFunction, kTenant, 0, ErrorClass::Handler);
  outcomes.observe(kStart - 1h, kFunction, kTenant, 0, ErrorClass::Handler);
  EXPECT_EQ(outcomes.function(kStart - 2h, kFunction).failed, 2);
}

TEST(Outcomes, AFloodOfTenantsStaysWithinTheBoundAndLeavesWhatIsInUse) {
  constexpr std::size_t kKeysMax = 256;
  Outcomes outcomes(10min, kKeysMax);
  outcomes.observe(kStart, kFunction, TenantId(1), 0, ErrorClass::None);
  for (std::uint64_t tenant = 2; tenant < 20'000; ++tenant) {
    outcomes.observe(kStart, kFunction, TenantId(tenant), 0, ErrorClass::None);
    ASSERT_LE(outcomes.keys(), kKeysMax);
  }
  EXPECT_EQ(outcomes.keys(), kKeysMax);
  EXPECT_EQ(outcomes.function(kStart, kFunction).succeeded, 19'999);  // used all the time: never dropped
  EXPECT_EQ(outcomes.tenant(kStart, kFunction, TenantId(1)).total(), 0);
  EXPECT_EQ(outcomes.tenant(kStart, kFunction, TenantId(19'999)).total(), 1);
  int recent_kept = 0;
  for (std::uint64_t tenant = 20'000 - 128; tenant < 20'000; ++tenant) {
    recent_kept += outcomes.tenant(kStart, kFunction, TenantId(tenant)).total() > 0 ? 1 : 0;
  }
  EXPECT_GT(recent_kept, 115);
}

TEST(Outcomes, ATableOfOneKeyStillWorks) {
  Outcomes outcomes(10min, 1);
  for (int i = 0; i < 10; ++i) outcomes.observe(kStart, kFunction, kTenant, 3, ErrorClass::Handler);
  EXPECT_EQ(outcomes.keys(), 1U);
  EXPECT_EQ(outcomes.after_error(kStart, kFunction, 3).failed, 1);
}

}  // namespace
}  // namespace forewarm
