#include "edge/signal/cron.h"

#include <gtest/gtest.h>

#include "base/time_text.h"

namespace forewarm {
namespace {

TimePoint utc(std::string_view text) {
  return parse_time(text).value();
}

std::vector<TimePoint> firings(std::string_view text, std::string_view zone, std::string_view from,
                               std::size_t count) {
  const Cron cron = Cron::parse(text, TimeZone::find(zone).value()).value();
  std::vector<TimePoint> out;
  for (TimePoint at = cron.next(utc(from) - Duration(1)); out.size() < count && at != kNever;
       at = cron.next(at))
    out.push_back(at);
  return out;
}

std::vector<TimePoint> all(std::initializer_list<std::string_view> texts) {
  std::vector<TimePoint> out;
  for (const std::string_view text : texts) out.push_back(utc(text));
  return out;
}

TEST(TimeZones, OffsetsFollowTheSystemsDatabase) {
  const TimeZone berlin = TimeZone::find("Europe/Berlin").value();
  EXPECT_EQ(berlin.offset_at(utc("2026-03-29T00:59:59Z")), 1h);
  EXPECT_EQ(berlin.offset_at(utc("2026-03-29T01:00:00Z")), 2h);
  EXPECT_EQ(berlin.offset_at(utc("2045-07-01T00:00:00Z")), 2h);
  EXPECT_EQ(TimeZone::find("Australia/Lord_Howe")->offset_at(utc("2026-07-01T00:00:00Z")), 10h + 30min);
  EXPECT_EQ(TimeZone::find("UTC")->offset_at(utc("2026-07-01T00:00:00Z")), 0h);
}

TEST(TimeZones, AnUnknownOneIsAnErrorThatNamesIt) {
  for (const char* wrong : {"", "Europe/Bärlin", "Europe/Berlni", "../../etc/passwd", "/etc/localtime"}) {
    const Result<TimeZone> zone = TimeZone::find(wrong);
    ASSERT_FALSE(zone) << wrong;
    EXPECT_NE(zone.error().message.find(wrong), std::string::npos);
  }
}

TEST(TimeZones, ALocalTimeIsShownNeverOnceOrTwice) {
  const TimeZone berlin = TimeZone::find("Europe/Berlin").value();
  const auto local = [](std::string_view text) { return utc(text).time_since_epoch(); };
  EXPECT_TRUE(berlin.moments(local("2026-03-29T02:30:00Z")).empty());
  EXPECT_EQ(berlin.reached(local("2026-03-29T02:30:00Z")), utc("2026-03-29T01:00:00Z"));
  EXPECT_EQ(berlin.moments(local("2026-07-01T12:00:00Z")), all({"2026-07-01T10:00:00Z"}));
  EXPECT_EQ(berlin.moments(local("2026-10-25T02:30:00Z")),
            all({"2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z"}));
}

TEST(Cron, FiresWhereAllFieldsFit) {
  EXPECT_EQ(firings("30 9 * * 1-5", "UTC", "2026-01-02T00:00:00Z", 3),  // a Friday
            all({"2026-01-02T09:30:00Z", "2026-01-05T09:30:00Z", "2026-01-06T09:30:00Z"}));
  EXPECT_EQ(firings("*/20 22-23 * * *", "UTC", "2026-01-01T22:30:00Z", 3),
            all({"2026-01-01T22:40:00Z", "2026-01-01T23:00:00Z", "2026-01-01T23:20:00Z"}));
  EXPECT_EQ(
      firings("5,10/25 0 * JAN *", "UTC", "2026-12-31T00:00:00Z", 4),
      all({"2027-01-01T00:05:00Z", "2027-01-01T00:10:00Z", "2027-01-01T00:35:00Z", "2027-01-02T00:05:00Z"}));
  EXPECT_EQ(firings("@monthly", "UTC", "2026-01-15T00:00:00Z", 2),
            all({"2026-02-01T00:00:00Z", "2026-03-01T00:00:00Z"}));
  EXPECT_EQ(firings("0 0 29 2 *", "UTC", "2096-03-01T00:00:00Z", 1), all({"2104-02-29T00:00:00Z"}));
  EXPECT_EQ(firings("0 0 * * 7", "UTC", "2026-01-01T00:00:00Z", 1), all({"2026-01-04T00:00:00Z"}));
  EXPECT_EQ(firings("0 0 * * Sat-7", "UTC", "2026-01-01T00:00:00Z", 2),
            all({"2026-01-03T00:00:00Z", "2026-01-04T00:00:00Z"}));
}

TEST(Cron, EitherDayIsEnoughWhereBothAreRestricted) {
  EXPECT_EQ(
      firings("0 0 13 * FRI", "UTC", "2026-01-01T00:00:00Z", 4),
      all({"2026-01-02T00:00:00Z", "2026-01-09T00:00:00Z", "2026-01-13T00:00:00Z", "2026-01-16T00:00:00Z"}));
  EXPECT_EQ(firings("0 0 */2 * FRI", "UTC", "2026-01-01T00:00:00Z", 2),  // a star: both must fit
            all({"2026-01-09T00:00:00Z", "2026-01-23T00:00:00Z"}));
}

TEST(Cron, LocalHoursFollowTheClocks) {
  EXPECT_EQ(firings("0 9 * * *", "America/New_York", "2026-03-07T00:00:00Z", 3),
            all({"2026-03-07T14:00:00Z", "2026-03-08T13:00:00Z", "2026-03-09T13:00:00Z"}));
  EXPECT_EQ(firings("0 0 * * *", "Asia/Kolkata", "2026-03-07T00:00:00Z", 1), all({"2026-03-07T18:30:00Z"}));
}

TEST(Cron, ATimeThatTheClocksSkipFiresAtTheChange) {
  EXPECT_EQ(firings("30 2 * * *", "Europe/Berlin", "2026-03-28T12:00:00Z", 2),
            all({"2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z"}));
}

TEST(Cron, ATimeThatTheClocksShowTwiceFiresOnce) {
  EXPECT_EQ(firings("30 2 * * *", "Europe/Berlin", "2026-10-24T12:00:00Z", 2),
            all({"2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"}));
}

TEST(Cron, EveryHourMeansRealHours) {
  EXPECT_EQ(firings("30 * * * *", "Europe/Berlin", "2026-10-25T00:00:00Z", 3),
            all({"2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z", "2026-10-25T02:30:00Z"}));
  EXPECT_EQ(firings("30 * * * *", "Europe/Berlin", "2026-03-29T00:00:00Z", 3),
            all({"2026-03-29T00:30:00Z", "2026-03-29T01:30:00Z", "2026-03-29T02:30:00Z"}));
  // A day of 23 and one of 25 hours.
  const Cron often = Cron::parse("*/5 * * * *", TimeZone::find("Europe/Berlin").value()).value();
  EXPECT_EQ(often.spans(utc("2026-03-28T23:00:00Z"), utc("2026-03-29T22:00:00Z"), 1min, 5000).size(),
            23U * 12);
  EXPECT_EQ(often.spans(utc("2026-10-24T22:00:00Z"), utc("2026-10-25T23:00:00Z"), 1min, 5000).size(),
            25U * 12);
}

TEST(Cron, SpansBeginInsideTheAskedTimeAndAreBounded) {
  const Cron cron = Cron::parse("0 * * * *", TimeZone()).value();
  EXPECT_EQ(cron.spans(utc("2026-01-01T00:00:00Z"), utc("2026-01-01T02:00:00Z"), 5min, 100),
            (std::vector<Occurrence>{{utc("2026-01-01T00:00:00Z"), utc("2026-01-01T00:05:00Z")},
                                     {utc("2026-01-01T01:00:00Z"), utc("2026-01-01T01:05:00Z")}}));
  EXPECT_EQ(cron.spans(utc("2026-01-01T00:00:00Z"), utc("2027-01-01T00:00:00Z"), 5min, 100).size(), 100U);
}

TEST(Cron, WhatIsWrongIsNamed) {
  const auto message = [](std::string_view text) {
    const Result<Cron> cron = Cron::parse(text, TimeZone());
    return cron ? "it is taken" : cron.error().message;
  };
  EXPECT_NE(message("60 * * * *").find("minute"), std::string::npos);
  EXPECT_NE(message("* 24 * * *").find("hour"), std::string::npos);
  EXPECT_NE(message("* * 0 * *").find("day of month"), std::string::npos);
  EXPECT_NE(message("* * * FOO *").find("jan to dec"), std::string::npos);
  EXPECT_NE(message("* * * * 8").find("found '8'"), std::string::npos);
  EXPECT_NE(message("* * * *").find("five fields"), std::string::npos);
  EXPECT_NE(message("@never").find("@hourly"), std::string::npos);
  EXPECT_NE(message("0 0 30 2 *").find("fits no day"), std::string::npos);
  for (const char* wrong : {"", "5-1 * * * *", "*/0 * * * *", "1, * * * *", "-1 * * * *", "1-2-3 * * * *",
                            "* * * * MON-", "*/61 * * * *", "99999999999 * * * *"})
    EXPECT_FALSE(Cron::parse(wrong, TimeZone())) << wrong;
}

}  // namespace
}  // namespace forewarm
