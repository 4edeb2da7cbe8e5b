#include "app/override_config.h"

#include <gtest/gtest.h>

#include "app/config.h"
#include "base/time_text.h"

namespace forewarm {
namespace {

constexpr std::string_view kBefore =
    "[[function]]\nname=\"f\"\ncommand=[\"x\"]\n"
    "[[mapping]]\nqueue=\"q\"\nfunction=\"f\"\nscaling.instances_max=8\n[[mapping.override]]\n";

std::string refused_override(const std::string& table) {
  const Result<ServerConfig> read = read_config(std::string(kBefore) + table, "test.toml");
  return read ? "accepted" : read.error().message;
}

TimePoint at(std::string_view text) {
  return parse_time(text).value();
}

constexpr std::string_view kWindow = "from=\"2026-12-01T18:00:00Z\"\nuntil=\"2026-12-01T20:00:00Z\"\n";

TEST(OverrideConfig, IsReadOnceOrByCronAndWrittenBack) {
  const std::string toml = std::string(kBefore) + std::string(kWindow) +
                           "factor=5\n[[mapping.override]]\ncron=\"0 2 * * *\"\nfor=\"30m\"\n"
                           "time_zone=\"Europe/Berlin\"\nat_most=0\n";
  const Result<ServerConfig> read = read_config(toml, "test.toml");
  ASSERT_TRUE(read) << read.error().message;
  const std::vector<OverrideConfig>& overrides = read->mappings.at(0).overrides;
  ASSERT_EQ(overrides.size(), 2U);
  EXPECT_EQ(overrides[0].factor, 5);
  EXPECT_EQ(overrides[1].length, 30min);
  EXPECT_EQ(overrides[1].at_most, 0);
  const Result<ServerConfig> again = read_config(to_toml(read->functions[0], read->mappings), "again.toml");
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(again->mappings, read->mappings);
}

TEST(OverrideConfig, WhatIsWrongIsSaidWithItsPlace) {
  const std::string window(kWindow);
  EXPECT_EQ(refused_override("from=\"2026-12-01T18:00:00Z\"\nuntil=\"2026-12-01T17:00:00Z\"\nat_least=1\n"),
            "test.toml:8:1: [[mapping.override]] has an until that is not after its from");
  EXPECT_EQ(refused_override("from=\"six\"\nuntil=\"2026-12-01T17:00:00Z\"\nat_least=1\n")
                .find("test.toml:8:1: [[mapping.override]] from: "),
            0U);
  EXPECT_NE(refused_override(window + "at_least=2\nfactor=3\n").find("needs exactly one of"),
            std::string::npos);
  EXPECT_NE(refused_override(window).find("needs exactly one of"), std::string::npos);
  EXPECT_EQ(refused_override(window + "at_leest=2\n"),
            "test.toml:11:1: unknown key override.at_leest. Did you mean at_least?");
  EXPECT_NE(refused_override(window + "at_least=9\n").find("above scaling.instances_max"), std::string::npos);
  EXPECT_NE(refused_override(window + "cron=\"@daily\"\nfactor=2\n").find("either from and until, or cron"),
            std::string::npos);
  EXPECT_NE(refused_override("factor=2\n").find("either from and until, or cron"), std::string::npos);
  EXPECT_NE(refused_override("cron=\"@daily\"\nfactor=2\n").find("needs for = "), std::string::npos);
  EXPECT_NE(refused_override("cron=\"0 25 * * *\"\nfor=\"1h\"\nfactor=2\n").find("cron: "),
            std::string::npos);
  EXPECT_NE(
      refused_override("cron=\"@daily\"\nfor=\"1h\"\ntime_zone=\"Mars\"\nfactor=2\n").find("time_zone: "),
      std::string::npos);
  EXPECT_NE(refused_override(window + "factor=-1\n").find("from 0 to 1000"), std::string::npos);
}

TEST(OverrideConfig, CronsWindowsAreThoseOfTwoDaysInOrderWithTheOneThatGoesOn) {
  OverrideConfig nightly;
  nightly.cron = "0 2 * * *";
  nightly.time_zone = "Europe/Berlin";
  nightly.length = 30min;
  nightly.at_most = 0;
  OverrideConfig once;
  once.from = "2026-12-01T18:00:00Z";
  once.until = "2026-12-01T20:00:00Z";
  once.factor = 5;
  const std::vector<ScalingOverride> windows = override_windows({nightly, once}, at("2026-12-01T01:10:00Z"));
  ASSERT_EQ(windows.size(), 4U);
  EXPECT_EQ(windows[0].from, at("2026-12-01T01:00:00Z"));
  EXPECT_EQ(windows[0].until, at("2026-12-01T01:30:00Z"));
  EXPECT_EQ(windows[0].at_most, 0U);
  EXPECT_EQ(windows[1].factor, 5);
  EXPECT_EQ(windows[2].from, at("2026-12-02T01:00:00Z"));
  EXPECT_EQ(windows[3].from, at("2026-12-03T01:00:00Z"));
  EXPECT_TRUE(override_windows({once}, at("2026-12-01T20:00:00Z")).empty());
}

TEST(OverrideConfig, WindowsOfOneCronThatTouchAreOne) {
  OverrideConfig always;
  always.cron = "* * * * *";
  always.length = 5min;
  always.factor = 2;
  const std::vector<ScalingOverride> windows = override_windows({always}, at("2026-12-01T00:00:00Z"));
  ASSERT_EQ(windows.size(), 1U);
  EXPECT_GE(windows[0].until - windows[0].from, 48h);
}

}  // namespace
}  // namespace forewarm
