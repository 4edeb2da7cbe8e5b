#include "edge/observe/notify/alert_memory.h"

#include <gtest/gtest.h>

#include "edge/observe/notify/alert_book.h"

namespace forewarm {
namespace {

using Kind = DeliveryOutcome::Kind;

constexpr TimePoint kNoon = time_point_us(1'767'700'800'000'000);

Alert alert_of(const char* rule, std::string subject, TimePoint fired = kNoon) {
  return {find_alert_rule(rule), {std::move(subject)}, 2.5, fired - 10s, fired};
}

std::string told_of(NotificationSchedule& schedule, TimePoint now, std::span<const Alert> firing) {
  schedule.observe(now, firing);
  const auto due = schedule.take(now);
  if (!due) return "";
  schedule.settle(now, {.kind = Kind::Delivered});
  std::string text;
  for (const auto& entry : due->entries) text += (entry.firing() ? "+" : "-") + entry.alert.subject.front();
  return text;
}

/// A receiver that was told of "a" and "b" before the restart.
NotificationSchedule::Memory told_before() {
  NotificationSchedule before({.group_wait = 0s});
  const std::vector<Alert> firing = {alert_of("ForewarmDeadLetters", "a"),
                                     alert_of("ForewarmDeadLetters", "b")};
  EXPECT_EQ(told_of(before, kNoon, firing), "+a+b");
  return before.memory();
}

TEST(AlertMemory, WhatWasToldIsNotToldAgainAndItsEndIs) {
  const NotificationSchedule::Memory memory = told_before();
  NotificationSchedule after({.group_wait = 0s});
  after.remember(kNoon + 1min, memory);
  const std::vector<Alert> both = {alert_of("ForewarmDeadLetters", "a"),
                                   alert_of("ForewarmDeadLetters", "b")};
  EXPECT_EQ(told_of(after, kNoon + 10min, both), "");
  EXPECT_EQ(told_of(after, kNoon + 20min, std::span(both).first(1)), "-b+a") << "b ended meanwhile";
  EXPECT_EQ(told_of(after, kNoon + 21min + 4h, std::span(both).first(1)), "+a")
      << "and what goes on is repeated";
  EXPECT_EQ(told_of(after, kNoon + 30min + 4h, {}), "-a");
  EXPECT_EQ(after.memory(), NotificationSchedule::Memory());
}

TEST(AlertMemory, AnEndThatWasNotToldBeforeTheRestartIsToldAfterIt) {
  NotificationSchedule before({.group_wait = 0s});
  const std::vector<Alert> firing = {alert_of("ForewarmDeadLetters", "a")};
  EXPECT_EQ(told_of(before, kNoon, firing), "+a");
  before.observe(kNoon + 1min, {});  // not yet told: group_interval
  NotificationSchedule after({.group_wait = 0s});
  after.remember(kNoon + 2min, before.memory());
  EXPECT_EQ(told_of(after, kNoon + 10min, {}), "-a");
}

TEST(AlertMemory, TimesOfAClockThatWasAheadHoldUpNobodyForLong) {
  NotificationSchedule::Memory memory = told_before();
  memory.rules[0].next = memory.rules[0].repeat = kNoon + 24h * 365;
  NotificationSchedule after({.group_wait = 0s});
  after.remember(kNoon, memory);
  EXPECT_EQ(told_of(after, kNoon + 5min + 1s, {}), "-a-b");
}

TEST(AlertMemory, AnAlertThatFiredIsNotOverBeforeItsMetricsCanBeThere) {
  AlertBook book;
  const Alert before = alert_of("ForewarmDeadLetters", "a");
  book.remember(std::span(&before, 1), kNoon + 45s);
  EXPECT_TRUE(book.update(kNoon + 15s, {}).resolved.empty());
  EXPECT_EQ(book.firing(), std::vector<Alert>{before});
  const AlertHold holds{before.rule, before.subject, 7};
  const AlertBook::Changes held = book.update(kNoon + 30s, std::span(&holds, 1));
  EXPECT_TRUE(held.fired.empty()) << "it has fired already";
  EXPECT_EQ(book.firing().front().fired, before.fired);
  EXPECT_EQ(book.update(kNoon + 31s, {}).resolved.size(), 1U) << "it was seen, so its end is one";
  book.remember(std::span(&before, 1), kNoon + 45s);
  EXPECT_EQ(book.update(kNoon + 45s, {}).resolved.size(), 1U);
}

TEST(AlertMemory, ComesBackFromItsText) {
  AlertMemory memory{.firing = {alert_of("ForewarmDeadLetters", "a \"queue\""),
                                {find_alert_rule("ForewarmStoreFull"), {}, 1, kNoon, kNoon}}};
  memory.receivers["slack ops"] = told_before();
  memory.receivers["email mail"] = {};
  memory.growths = {
      {.term = "sum(x)", .subject = {"a"}, .grown = 4.5, .samples = {{kNoon, 1}, {kNoon + 15s, 3.5}}},
      {.term = "y", .subject = {}, .grown = 0, .samples = {}}};
  const std::string text = alert_memory_text(memory);
  const Result<AlertMemory> read = parse_alert_memory(text);
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(*read, memory);
  std::string gone = text;
  for (std::size_t at; (at = gone.find("ForewarmDeadLetters")) != std::string::npos;)
    gone.replace(at, 19, "ForewarmOfBefore");
  ASSERT_TRUE(parse_alert_memory(gone)) << "an alert that there is none of any more is left out";
  EXPECT_EQ(parse_alert_memory(gone)->firing.size(), 1U);
}

TEST(AlertMemory, ATextOfBeforeGrowthsWereKeptIsRead) {
  const auto read = parse_alert_memory(R"({"firing":[],"receivers":{}})");
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_TRUE(read->growths.empty());
}

TEST(AlertMemory, WhatNoCounterGrewByIsRefused) {
  const std::string good = R"({"term":"x","subject":["a"],"grown":3,"at_us":[1,2],"grown_by_then":[1,3]})";
  const auto parsed = [](const std::string& growth) {
    return parse_alert_memory(R"({"firing":[],"receivers":{},"growths":[)" + growth + "]}");
  };
  EXPECT_TRUE(parsed(good)) << parsed(good).error().message;
  for (const auto& [from, to] : std::vector<std::pair<std::string, std::string>>{{"\"x\"", "7"},
                                                                                 {"\"a\"", "7"},
                                                                                 {"3,\"at", "-1,\"at"},
                                                                                 {"3,\"at", "2,\"at"},
                                                                                 {"[1,2]", "[2,1]"},
                                                                                 {"[1,2]", "[1]"},
                                                                                 {"[1,2]", "[-1,2]"},
                                                                                 {"[1,3]", "[3,1]"},
                                                                                 {"[1,3]", "[1,null]"},
                                                                                 {"[1,3]", "7"}}) {
    std::string bad = good;
    const auto read = parsed(bad.replace(bad.find(from), from.size(), to));
    ASSERT_FALSE(read) << bad;
    EXPECT_EQ(read.error().message.find("what is kept of alerts: expected "), 0U) << read.error().message;
  }
}

TEST(AlertMemory, WhatIsNoMemoryIsSaidToBeNone) {
  const std::string text = alert_memory_text({.firing = {alert_of("ForewarmDeadLetters", "a")}});
  for (std::size_t length = 0; length < text.size(); ++length)
    EXPECT_FALSE(parse_alert_memory(text.substr(0, length))) << length;
  for (
      const char* wrong :
      {"[]", "{}", R"({"firing":[],"receivers":[]})", R"({"firing":[7],"receivers":{}})",
       R"({"firing":[{"rule":"ForewarmDeadLetters","subject":[1],"value":1,"since_us":1,"fired_us":1}],"receivers":{}})",
       R"({"firing":[{"rule":"ForewarmDeadLetters","subject":["a"],"value":1,"since_us":-1,"fired_us":1}],"receivers":{}})",
       R"({"firing":[],"receivers":{"slack ops":[{"rule":"ForewarmDeadLetters","next_us":1,"told":[]}]}})"}) {
    const auto read = parse_alert_memory(wrong);
    ASSERT_FALSE(read) << wrong;
    EXPECT_EQ(read.error().message.find("what is kept of alerts: expected "), 0U) << read.error().message;
  }
}

}  // namespace
}  // namespace forewarm
