#include "edge/functions/log_ring.h"

#include <gtest/gtest.h>

namespace forewarm {
namespace {

LogLine line(std::string function, std::string text) {
  return {.at = {}, .function = std::move(function), .instance = {}, .run = {}, .text = std::move(text)};
}

TEST(LogRing, KeepsTheNewestOfEachFunctionInOrder) {
  LogRing ring(4);
  for (int i = 0; i < 6; ++i) ring.add(line(i % 2 == 0 ? "even" : "odd", std::to_string(i)));
  const auto even = ring.newest("even", 10);
  ASSERT_EQ(even.size(), 2U);
  EXPECT_EQ(even[0].text, "2");
  EXPECT_EQ(even[1].text, "4");
  EXPECT_EQ(ring.newest("", 10).size(), 4U);
  ASSERT_EQ(ring.newest("odd", 1).size(), 1U);
  EXPECT_EQ(ring.newest("odd", 1)[0].text, "5");
}

TEST(LogRing, IsBoundedInBytesToo) {
  LogRing ring(1'000'000);
  for (int i = 0; i < 10'000; ++i) ring.add(line("f", std::string(8192, 'x')));
  EXPECT_LE(ring.newest("f", 1'000'000).size() * 8192, LogRing::kBytesMax);
}

}  // namespace
}  // namespace forewarm
