#include "edge/trace/gzip.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>

namespace forewarm {
namespace {

constexpr std::size_t kBound = 1 << 20;

TEST(Gzip, TextComesBackAsItWas) {
  std::string text;
  for (std::uint64_t i = 0; i < 50'000; ++i) text += std::to_string(i * i) + "\n";
  EXPECT_EQ(gunzip_text(gzip_text(text), "x", kBound), text);
  EXPECT_EQ(gunzip_text(gzip_text(""), "x", kBound), "");
}

TEST(Gzip, TheSameTextIsTheSameBytesAtAnyTime) {
  const std::string bytes = gzip_text("a,b\n1,2\n");
  EXPECT_EQ(bytes, gzip_text("a,b\n1,2\n"));
  EXPECT_EQ(bytes.substr(4, 4), std::string(4, '\0')) << "the time stamp of RFC 1952 is absent";
}

TEST(Gzip, EveryCutAndEveryFlippedBitIsSeen) {
  const std::string good = gzip_text("timestamp_s,queue,count\n1,orders,2\n");
  for (std::size_t size = 0; size < good.size(); ++size) {
    const auto cut = gunzip_text(good.substr(0, size), "file", kBound);
    ASSERT_FALSE(cut) << size;
    EXPECT_EQ(cut.error().code, ErrorCode::Corrupt);
    EXPECT_EQ(cut.error().message.rfind("file: ", 0), 0U);
  }
  constexpr std::size_t kHeaderBytes = 10;  // whose time stamp and system carry nothing
  for (std::size_t at = kHeaderBytes; at < good.size(); ++at) {
    std::string bad = good;
    bad[at] = static_cast<char>(bad[at] ^ 1);
    EXPECT_FALSE(gunzip_text(bad, "file", kBound)) << at;
  }
  EXPECT_FALSE(gunzip_text(good + good, "file", kBound));
}

TEST(Gzip, WhatIsTooLargeIsRefused) {
  const auto bomb = gunzip_text(gzip_text(std::string(4 * kBound, 'a')), "file", kBound);
  ASSERT_FALSE(bomb);
  EXPECT_EQ(bomb.error().code, ErrorCode::Exhausted);
}

}  // namespace
}  // namespace forewarm
