#include "core/route/ordered_set.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <set>
#include <vector>

#include "base/random.h"

namespace forewarm {
namespace {

/// Large enough that a node holds eight: splits and joins at every level come early.
struct WideKey {
  std::uint64_t value = 0;
  char filling[120] = {};
  friend bool operator<(const WideKey& a, const WideKey& b) { return a.value < b.value; }
};

void expect_same(const OrderedSet<WideKey>& set, const std::set<std::uint64_t>& expected) {
  ASSERT_EQ(set.size(), expected.size());
  const WideKey* key = set.first();
  for (const std::uint64_t value : expected) {
    ASSERT_TRUE(key != nullptr);
    ASSERT_EQ(key->value, value);
    key = set.at_or_after({.value = value + 1});
  }
  ASSERT_TRUE(key == nullptr);
}

TEST(OrderedSet, AgreesWithTheStandardSetWhileItGrowsAndShrinks) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE(seed);
    Random random(seed);
    OrderedSet<WideKey> set;
    std::set<std::uint64_t> expected;
    for (int i = 0; i < 6000; ++i) {
      const bool growing = (i / 1500) % 2 == 0;
      const std::uint64_t value = random.below(2000);
      if (random.chance(growing ? 0.8 : 0.15)) {
        ASSERT_EQ(set.insert({.value = value}), expected.insert(value).second);
      } else {
        ASSERT_EQ(set.erase({.value = value}), expected.erase(value) == 1);
      }
      const auto found = expected.lower_bound(value);
      const WideKey* at_or_after = set.at_or_after({.value = value});
      ASSERT_EQ(at_or_after == nullptr, found == expected.end());
      if (at_or_after) {
        ASSERT_EQ(at_or_after->value, *found);
      }
      if (i % 250 == 0) expect_same(set, expected);
    }
    expect_same(set, expected);
    while (const WideKey* first = set.first()) {
      ASSERT_EQ(first->value, *expected.begin());
      expected.erase(expected.begin());
      ASSERT_TRUE(set.erase(WideKey(*first)));
    }
    ASSERT_TRUE(expected.empty());
    ASSERT_TRUE(set.empty());
  }
}

TEST(OrderedSet, KeysInAscendingOrDescendingOrderComeOutSorted) {
  OrderedSet<std::uint64_t> up;
  OrderedSet<std::uint64_t> down;
  constexpr std::uint64_t kKeys = 20'000;
  for (std::uint64_t i = 0; i < kKeys; ++i) {
    EXPECT_TRUE(up.insert(i));
    EXPECT_TRUE(down.insert(kKeys - 1 - i));
  }
  for (std::uint64_t i = 0; i < kKeys; ++i) {
    ASSERT_EQ(*up.first(), i);
    ASSERT_EQ(*down.first(), i);
    up.erase(i);
    down.erase(i);
  }
  EXPECT_TRUE(up.empty());
  EXPECT_TRUE(down.first() == nullptr);
}

}  // namespace
}  // namespace forewarm
