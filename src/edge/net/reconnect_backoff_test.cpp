#include "edge/net/reconnect_backoff.h"

#include <gtest/gtest.h>

namespace forewarm {
namespace {

TEST(ReconnectBackoff, DoublesUpToItsLimitWithinARandomHalf) {
  ReconnectBackoff backoff(
      7, {.first = std::chrono::milliseconds(100), .longest = std::chrono::milliseconds(400)});
  for (const int most : {100, 200, 400, 400, 400}) {
    const auto wait = backoff.next().count();
    EXPECT_GE(wait, most / 2);
    EXPECT_LE(wait, most);
  }
  backoff.reset();
  EXPECT_LE(backoff.next().count(), 100);
}

}  // namespace
}  // namespace forewarm
