#include "core/retry/error_text.h"

#include <gtest/gtest.h>

namespace forewarm {
namespace {

TEST(ErrorText, WhatDiffersFromOneToTheNextIsLeftOut) {
  EXPECT_EQ(normalised_error("No user 17 in shard eu-west-1b"), "no user # in shard #");
  EXPECT_EQ(normalised_error("no user 23 in shard eu-west-1a"), "no user # in shard #");
  EXPECT_EQ(normalised_error("order 4f1c2d3e-aaaa-4bbb-8ccc-0123456789ab is void"), "order # is void");
  EXPECT_EQ(normalised_error("key deadbeefcafe is gone"), "key # is gone");
  EXPECT_EQ(normalised_error("cannot read \"a b.txt\" from 'the box' or `it`"), "cannot read # from # or #");
  EXPECT_EQ(normalised_error("tried 1 2 3 times"), "tried # times");
  EXPECT_EQ(normalised_error("10.0.0.7:5432 refused"), normalised_error("10.0.0.9:6432 refused"));
}

TEST(ErrorText, WhatIsTheErrorStays) {
  EXPECT_EQ(normalised_error("can't reach the facade, don't wait"), "can't reach the facade, don't wait");
  EXPECT_NE(normalised_error("connection refused"), normalised_error("connection reset"));
  EXPECT_EQ(normalised_error("it's 'open"), "it's 'open");  // nothing is quoted that never ends
  EXPECT_EQ(normalised_error("Zeit\xc3\xbc"
                             "berschreitung"),
            "zeit\xc3\xbc"
            "berschreitung");
}

TEST(ErrorText, OnlyTheFirstLineAndABoundedPartOfItCounts) {
  EXPECT_EQ(normalised_error("  \n boom  \n  at line 7\n"), "boom");
  EXPECT_EQ(normalised_error(""), "");
  EXPECT_EQ(normalised_error(" \n\t "), "");
  EXPECT_EQ(normalised_error(std::string(10'000, 'x')).size(), kErrorTextMax);
  const std::string same(kErrorTextMax, 'y');
  EXPECT_EQ(normalised_error(same + "one"), normalised_error(same + "two"));
}

}  // namespace
}  // namespace forewarm
