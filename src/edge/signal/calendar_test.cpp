#include "edge/signal/calendar.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/time_text.h"

namespace forewarm {
namespace {

TimePoint at_utc(std::string_view text) {
  return parse_time(text).value();
}

std::string calendar_text(std::string_view events) {
  return "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//test//EN\r\n" + std::string(events) +
         "END:VCALENDAR\r\n";
}

std::string event_text(std::string_view lines) {
  return "BEGIN:VEVENT\r\nUID:1\r\n" + std::string(lines) + "END:VEVENT\r\n";
}

Calendar parsed(std::string_view events, CalendarOptions options = {}) {
  return Calendar::parse(calendar_text(events), std::move(options)).value();
}

std::vector<Occurrence> spans_of(Calendar& calendar, std::string_view from, std::string_view to) {
  std::vector<Occurrence> spans = calendar.spans(at_utc(from), at_utc(to));
  std::ranges::sort(spans, {}, &Occurrence::begin);
  return spans;
}

std::vector<TimePoint> begins(std::string_view lines, std::string_view from, std::string_view to) {
  Calendar calendar = parsed(event_text(lines), {.zone = TimeZone::find("Europe/Berlin").value()});
  std::vector<TimePoint> out;
  for (const Occurrence& span : spans_of(calendar, from, to)) out.push_back(span.begin);
  return out;
}

std::vector<TimePoint> moments(std::initializer_list<std::string_view> texts) {
  std::vector<TimePoint> out;
  for (const std::string_view text : texts) out.push_back(at_utc(text));
  return out;
}

TEST(Calendar, AnEventGoesOnFromItsBeginToItsEnd) {
  Calendar calendar = parsed(event_text("DTSTART:20260301T100000Z\r\nDTEND:20260301T113000Z\r\n"));
  EXPECT_EQ(calendar.events(), 1U);
  EXPECT_TRUE(calendar.notes().empty());
  const std::vector<Occurrence> one{{at_utc("2026-03-01T10:00:00Z"), at_utc("2026-03-01T11:30:00Z")}};
  EXPECT_EQ(spans_of(calendar, "2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z"), one);
  EXPECT_EQ(spans_of(calendar, "2026-03-01T11:00:00Z", "2026-03-01T11:01:00Z"), one);
  EXPECT_TRUE(spans_of(calendar, "2026-03-01T11:30:00Z", "2027-01-01T00:00:00Z").empty());
  EXPECT_TRUE(spans_of(calendar, "2026-01-01T00:00:00Z", "2026-03-01T10:00:00Z").empty());
}

TEST(Calendar, AllDayEventsFollowTheLocalDay) {
  const CalendarOptions berlin{.zone = TimeZone::find("Europe/Berlin").value()};
  Calendar calendar =
      parsed(event_text("DTSTART;VALUE=DATE:20260328\r\nDTEND;VALUE=DATE:20260330\r\n"), berlin);
  EXPECT_EQ(spans_of(calendar, "2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z"),
            (std::vector<Occurrence>{{at_utc("2026-03-27T23:00:00Z"), at_utc("2026-03-29T22:00:00Z")}}));
  Calendar no_end = parsed(event_text("DTSTART;VALUE=DATE:20260501\r\n"), berlin);
  EXPECT_EQ(spans_of(no_end, "2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z"),
            (std::vector<Occurrence>{{at_utc("2026-04-30T22:00:00Z"), at_utc("2026-05-01T22:00:00Z")}}));
}

TEST(Calendar, LengthsMayBeDurations) {
  Calendar calendar = parsed(event_text("DTSTART:20260301T100000Z\r\nDURATION:P1DT2H\r\n"));
  EXPECT_EQ(spans_of(calendar, "2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z")[0].end,
            at_utc("2026-03-02T12:00:00Z"));
  Calendar instant = parsed(event_text("DTSTART:20260301T100000Z\r\n"), {.length = 5min});
  EXPECT_EQ(spans_of(instant, "2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z")[0].end,
            at_utc("2026-03-01T10:05:00Z"));
}

TEST(Calendar, TimesAreInTheZoneThatTheyName) {
  constexpr auto kFrom = "2026-01-01T00:00:00Z", kTo = "2027-01-01T00:00:00Z";
  EXPECT_EQ(begins("DTSTART;TZID=America/New_York:20260701T090000\r\n", kFrom, kTo),
            moments({"2026-07-01T13:00:00Z"}));
  EXPECT_EQ(begins("DTSTART:20260701T090000\r\n", kFrom, kTo), moments({"2026-07-01T07:00:00Z"}));
  Calendar unknown = parsed(event_text("DTSTART;TZID=Mars/Olympus:20260701T090000\r\n"));
  EXPECT_EQ(spans_of(unknown, kFrom, kTo)[0].begin, at_utc("2026-07-01T09:00:00Z"));
  ASSERT_EQ(unknown.notes().size(), 1U);
  EXPECT_NE(unknown.notes()[0].find("Mars/Olympus"), std::string::npos);
}

TEST(Calendar, ATimeZoneOfTheFileIsTaken) {
  Calendar calendar = parsed(
      "BEGIN:VTIMEZONE\r\nTZID:Office\r\n"
      "BEGIN:STANDARD\r\nDTSTART:19701101T020000\r\nRRULE:FREQ=YEARLY;BYMONTH=11;BYDAY=1SU\r\n"
      "TZOFFSETFROM:+0500\r\nTZOFFSETTO:+0400\r\nEND:STANDARD\r\n"
      "BEGIN:DAYLIGHT\r\nDTSTART:19700308T020000\r\nRRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=2SU\r\n"
      "TZOFFSETFROM:+0400\r\nTZOFFSETTO:+0500\r\nEND:DAYLIGHT\r\nEND:VTIMEZONE\r\n" +
      event_text("DTSTART;TZID=Office:20260105T120000\r\nRRULE:FREQ=MONTHLY;COUNT=7\r\n"));
  EXPECT_EQ(spans_of(calendar, "2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z")[0].begin,
            at_utc("2026-01-05T08:00:00Z"));
  EXPECT_EQ(spans_of(calendar, "2026-07-01T00:00:00Z", "2026-08-01T00:00:00Z")[0].begin,
            at_utc("2026-07-05T07:00:00Z"));
}

TEST(Calendar, RulesRepeatOnLocalTime) {
  EXPECT_EQ(begins("DTSTART;TZID=Europe/Berlin:20260327T090000\r\nRRULE:FREQ=DAILY;COUNT=4\r\n",
                   "2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z"),
            moments({"2026-03-27T08:00:00Z", "2026-03-28T08:00:00Z", "2026-03-29T07:00:00Z",
                     "2026-03-30T07:00:00Z"}));
}

TEST(Calendar, TheUsualRulesAreTaken) {
  constexpr auto kFrom = "2026-01-01T00:00:00Z", kTo = "2026-04-01T00:00:00Z";
  EXPECT_EQ(
      begins(
          "DTSTART:20260106T120000Z\r\nRRULE:FREQ=WEEKLY;INTERVAL=2;BYDAY=TU,TH;UNTIL=20260131T000000Z\r\n",
          kFrom, kTo),
      moments(
          {"2026-01-06T12:00:00Z", "2026-01-08T12:00:00Z", "2026-01-20T12:00:00Z", "2026-01-22T12:00:00Z"}));
  EXPECT_EQ(begins("DTSTART:20260130T120000Z\r\nRRULE:FREQ=MONTHLY;BYDAY=-1FR\r\n", kFrom, kTo),
            moments({"2026-01-30T12:00:00Z", "2026-02-27T12:00:00Z", "2026-03-27T12:00:00Z"}));
  EXPECT_EQ(begins("DTSTART;VALUE=DATE:20001225\r\nRRULE:FREQ=YEARLY\r\n", "2025-01-01T00:00:00Z",
                   "2027-01-01T00:00:00Z"),
            moments({"2025-12-24T23:00:00Z", "2026-12-24T23:00:00Z"}));
  EXPECT_EQ(begins("DTSTART:20260101T000000Z\r\nRRULE:FREQ=HOURLY;INTERVAL=6;BYMINUTE=0,15\r\n",
                   "2026-03-01T00:00:00Z", "2026-03-01T07:00:00Z"),
            moments({"2026-03-01T00:00:00Z", "2026-03-01T00:15:00Z", "2026-03-01T06:00:00Z",
                     "2026-03-01T06:15:00Z"}));
}

TEST(Calendar, ARuleOfOldBeginsWhereItIsAskedForInStepWithItsInterval) {
  constexpr auto kFrom = "2026-03-01T00:00:00Z", kTo = "2026-04-01T00:00:00Z";
  for (const char* rule :
       {"FREQ=DAILY;INTERVAL=3", "FREQ=WEEKLY;INTERVAL=3;BYDAY=MO,WE", "FREQ=MONTHLY;INTERVAL=5",
        "FREQ=YEARLY;INTERVAL=4;BYMONTH=3;BYMONTHDAY=10", "FREQ=HOURLY;INTERVAL=7"}) {
    // COUNT makes it be gone through from its beginning.
    const std::string start = "DTSTART:20100104T103000Z\r\nRRULE:";
    const auto jumped = begins(start + rule + "\r\n", kFrom, kTo);
    const auto counted = begins(start + rule + ";COUNT=100000\r\n", kFrom, kTo);
    EXPECT_EQ(jumped, counted) << rule;
  }
}

TEST(Calendar, ExceptionsAndFurtherDatesCount) {
  EXPECT_EQ(begins("DTSTART:20260101T120000Z\r\nRRULE:FREQ=DAILY;COUNT=5\r\n"
                   "EXDATE:20260102T120000Z,20260103T120000Z\r\nEXDATE;VALUE=DATE:20260104\r\n"
                   "RDATE:20260201T120000Z,20260101T120000Z\r\n",
                   "2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z"),
            moments({"2026-01-01T12:00:00Z", "2026-01-05T12:00:00Z", "2026-02-01T12:00:00Z"}));
}

TEST(Calendar, AChangedOccurrenceReplacesTheOneOfTheRule) {
  Calendar calendar = parsed(
      event_text("DTSTART:20260101T120000Z\r\nDTEND:20260101T130000Z\r\nRRULE:FREQ=DAILY;COUNT=3\r\n") +
      event_text("RECURRENCE-ID:20260102T120000Z\r\nDTSTART:20260102T180000Z\r\nDTEND:20260102T190000Z\r\n") +
      event_text("RECURRENCE-ID:20260103T120000Z\r\nDTSTART:20260103T120000Z\r\nSTATUS:CANCELLED\r\n"));
  std::vector<TimePoint> out;
  for (const Occurrence& span : spans_of(calendar, "2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z"))
    out.push_back(span.begin);
  EXPECT_EQ(out, moments({"2026-01-01T12:00:00Z", "2026-01-02T18:00:00Z"}));
}

TEST(Calendar, AFilterTakesEventsBySummaryOrCategory) {
  const std::string events =
      event_text("DTSTART:20260101T120000Z\r\nSUMMARY:Spring Sale\r\n") +
      event_text("DTSTART:20260102T120000Z\r\nSUMMARY:Party\r\nCATEGORIES:PRIVATE,SALE\r\n") +
      event_text("DTSTART:20260103T120000Z\r\nSUMMARY:Dentist\r\n");
  EXPECT_EQ(parsed(events, {.filter = "sale"}).events(), 2U);
  EXPECT_EQ(parsed(events).events(), 3U);
}

TEST(Calendar, WhatIsNotUnderstoodIsLeftOutAndSaid) {
  Calendar calendar = parsed(event_text("DTSTART:20260101T120000Z\r\nRRULE:FREQ=SECONDLY\r\n") +
                             event_text("DTSTART:20260230T120000Z\r\n") + event_text("SUMMARY:no start\r\n") +
                             event_text("DTSTART:20260101T120000Z\r\nDTEND:20250101T120000Z\r\n") +
                             event_text("DTSTART:20260101T120000Z\r\nDURATION:P4000000000W\r\n"));
  EXPECT_EQ(calendar.events(), 1U);  // without its rule
  EXPECT_GE(calendar.notes().size(), 4U);
  EXPECT_EQ(spans_of(calendar, "2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z").size(), 1U);
  for (const char* wrong : {"", "hello", "<html></html>", "BEGIN:VEVENT\r\nEND:VEVENT\r\n", "{\"a\":1}"}) {
    const Result<Calendar> none = Calendar::parse(wrong, {});
    ASSERT_FALSE(none) << wrong;
    EXPECT_NE(none.error().message.find("BEGIN:VCALENDAR"), std::string::npos);
  }
}

TEST(Calendar, RulesThatNeverMeetOrMeetAllTheTimeEnd) {
  Calendar calendar = parsed(
      event_text("DTSTART:19700101T000000Z\r\nRRULE:FREQ=HOURLY;BYMONTH=2;BYMONTHDAY=30\r\n") +
      event_text("DTSTART:19700101T000000Z\r\nRRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30\r\n") +
      event_text(
          "DTSTART:19700101T000000Z\r\nDURATION:P3650D\r\nRRULE:FREQ=HOURLY;BYMINUTE=0,1,2,3,4,5,6,7\r\n"));
  EXPECT_LE(spans_of(calendar, "2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z").size(), 20'000U);
  EXPECT_FALSE(calendar.notes().empty());
}

TEST(Calendar, SeveralCalendarsInOneFileCountTogether) {
  const std::string one = calendar_text(event_text("DTSTART:20260101T120000Z\r\n"));
  EXPECT_EQ(Calendar::parse(one + one, {})->events(), 2U);
  EXPECT_EQ(Calendar::parse("\xef\xbb\xbf" + one, {})->events(), 1U);
}

TEST(Spans, OverlapsAreCounted) {
  const auto at = [](int s) { return time_point_us(s * 1'000'000); };
  const std::vector<Occurrence> spans{{at(5), at(20)},  {at(10), at(15)}, {at(-5), at(2)},
                                      {at(15), at(16)}, {at(30), at(40)}, {at(7), at(7)}};
  EXPECT_EQ(
      count_spans(spans, at(0), at(30)),
      (std::vector<LevelChange>{{at(0), 1}, {at(2), 0}, {at(5), 1}, {at(10), 2}, {at(16), 1}, {at(20), 0}}));
  EXPECT_EQ(count_spans({}, at(0), at(30)), (std::vector<LevelChange>{{at(0), 0}}));
}

}  // namespace
}  // namespace forewarm
