#include "edge/observe/notify/notification_schedule.h"

#include <gtest/gtest.h>

#include <set>

namespace forewarm {
namespace {

using Kind = DeliveryOutcome::Kind;

/// A schedule with a clock, and alerts by rule and queue.
class Timed {
 public:
  explicit Timed(NotificationSchedule::Options options = {}) : schedule(std::move(options)) {}

  void fire(const char* rule, const std::string& queue) {
    firing.push_back({find_alert_rule(rule), {queue}, 1, now, now});
  }
  void end(const std::string& queue) {
    std::erase_if(firing, [&](const Alert& each) { return each.subject.front() == queue; });
  }
  /// Each second until something is due, or for that long.
  std::optional<Notification> wait(Duration at_most) {
    for (const TimePoint until = now + at_most; now < until;) {
      now += 1s;
      schedule.observe(now, firing);
      if (auto due = schedule.take(now)) return due;
    }
    return std::nullopt;
  }
  /// The same, and it is delivered.
  std::string delivered(Duration at_most) {
    const auto due = wait(at_most);
    if (!due) return "";
    schedule.settle(now, {.kind = Kind::Delivered});
    return text(*due);
  }
  static std::string text(const Notification& notification) {
    std::string all(notification.rule->name.substr(8));
    for (const auto& entry : notification.entries)
      all += (entry.firing() ? " +" : " -") + entry.alert.subject.front();
    return all;
  }

  NotificationSchedule schedule;
  std::vector<Alert> firing;
  TimePoint now = time_point_us(1'000'000'000'000);
};

TEST(NotificationSchedule, AlertsOfARuleThatFireTogetherAreOneMessageAndTheEndIsAnother) {
  Timed timed;
  const TimePoint start = timed.now;
  timed.fire("ForewarmDeadLetters", "a");
  timed.schedule.observe(timed.now, timed.firing);
  timed.now += 5s;
  timed.fire("ForewarmDeadLetters", "b");
  EXPECT_EQ(timed.delivered(1min), "DeadLetters +a +b");
  EXPECT_EQ(timed.now - start, 10s) << "group_wait";
  timed.end("a");
  EXPECT_EQ(timed.delivered(10min), "DeadLetters -a +b");
  EXPECT_EQ(timed.now - start, 10s + 5min) << "group_interval";
  timed.end("b");
  EXPECT_EQ(timed.delivered(10min), "DeadLetters -b");
  EXPECT_EQ(timed.delivered(24h), "");
}

TEST(NotificationSchedule, WhatGoesOnIsRepeated) {
  Timed timed;
  timed.fire("ForewarmDeadLetters", "a");
  EXPECT_EQ(timed.delivered(1min), "DeadLetters +a");
  const TimePoint first = timed.now;
  EXPECT_EQ(timed.delivered(5h), "DeadLetters +a");
  EXPECT_EQ(timed.now - first, 4h);
}

TEST(NotificationSchedule, WhatEndsBeforeItIsToldIsNotTold) {
  Timed timed;
  timed.fire("ForewarmDeadLetters", "a");
  timed.schedule.observe(timed.now, timed.firing);
  timed.end("a");
  EXPECT_EQ(timed.delivered(1h), "");
}

TEST(NotificationSchedule, AFailureIsTriedAgainLaterAndLaterWithTheStateOfThatTime) {
  Timed timed;
  timed.fire("ForewarmDeadLetters", "a");
  ASSERT_TRUE(timed.wait(1min));
  Duration longest(0);
  for (int i = 0; i < 12; ++i) {
    const Duration wait = timed.schedule.settle(timed.now, {.kind = Kind::Failed});
    EXPECT_GE(wait, 500ms);
    EXPECT_LE(wait, Duration(5min) * 3 / 2);
    longest = std::max(longest, wait);
    ASSERT_TRUE(timed.wait(10min));
  }
  EXPECT_GT(longest, 2min);
  timed.schedule.settle(timed.now, {.kind = Kind::Failed});
  timed.fire("ForewarmDeadLetters", "b");
  EXPECT_EQ(timed.delivered(10min), "DeadLetters +a +b");
}

TEST(NotificationSchedule, TheReceiversWishToWaitIsKeptAndARefusalIsNotHurried) {
  Timed timed;
  timed.fire("ForewarmDeadLetters", "a");
  ASSERT_TRUE(timed.wait(1min));
  EXPECT_GE(timed.schedule.settle(timed.now, {.kind = Kind::Failed, .retry_after = 90s}), 90s);
  const TimePoint failed = timed.now;
  ASSERT_TRUE(timed.wait(10min));
  EXPECT_GE(timed.now - failed, 90s);
  EXPECT_GE(timed.schedule.settle(timed.now, {.kind = Kind::Refused}), 5min);
  EXPECT_LE(timed.schedule.settle(timed.now, {.kind = Kind::Failed, .retry_after = 48h}), 1h);
}

TEST(NotificationSchedule, WhatEndsWhileItsMessageIsUnderWayIsToldOfAsEnded) {
  Timed timed;
  timed.fire("ForewarmDeadLetters", "a");
  ASSERT_TRUE(timed.wait(1min));
  timed.end("a");
  EXPECT_FALSE(timed.wait(20s)) << "one at a time";
  timed.schedule.settle(timed.now, {.kind = Kind::Delivered});
  EXPECT_EQ(timed.delivered(10min), "DeadLetters -a");
}

TEST(NotificationSchedule, AnEndThatCouldNotBeToldIsToldAfterOthersCame) {
  Timed timed;
  timed.fire("ForewarmDeadLetters", "a");
  EXPECT_EQ(timed.delivered(1min), "DeadLetters +a");
  timed.end("a");
  ASSERT_TRUE(timed.wait(10min));
  timed.schedule.settle(timed.now, {.kind = Kind::Failed});
  timed.fire("ForewarmDeadLetters", "b");
  EXPECT_EQ(timed.delivered(10min), "DeadLetters -a +b");
}

TEST(NotificationSchedule, WhatFiresAgainBeforeItsEndWasToldFiresAgain) {
  Timed timed;
  timed.fire("ForewarmDeadLetters", "a");
  EXPECT_EQ(timed.delivered(1min), "DeadLetters +a");
  timed.end("a");
  EXPECT_FALSE(timed.wait(1min));
  timed.fire("ForewarmDeadLetters", "a");
  EXPECT_EQ(timed.delivered(10min), "DeadLetters +a");
}

TEST(NotificationSchedule, AReceiverHearsOnlyOfWhatItIsFor) {
  Timed pages({.severities = {AlertSeverity::Page}});
  pages.fire("ForewarmDeadLetters", "a");
  pages.fire("ForewarmControlSilent", "b");
  EXPECT_EQ(pages.delivered(1min), "ControlSilent +b");
  EXPECT_EQ(pages.delivered(1h), "");
  Timed named({.send_resolved = false, .rules = {"ForewarmDeadLetters"}});
  named.fire("ForewarmDeadLetters", "a");
  named.fire("ForewarmControlSilent", "b");
  EXPECT_EQ(named.delivered(1min), "DeadLetters +a");
  named.end("a");
  EXPECT_EQ(named.delivered(1h), "") << "send_resolved = false";
}

TEST(NotificationSchedule, ASlowBurnIsNotToldBesideAFastOneOfTheSameQueue) {
  Timed timed;
  timed.fire("ForewarmLatenessBudgetBurns", "a");
  timed.fire("ForewarmLatenessBudgetBurns", "b");
  timed.fire("ForewarmLatenessBudgetBurnsFast", "a");
  std::set<std::string> told = {timed.delivered(1min), timed.delivered(1min)};
  EXPECT_EQ(told, (std::set<std::string>{"LatenessBudgetBurns +b", "LatenessBudgetBurnsFast +a"}));
}

TEST(NotificationSchedule, NoMoreThanItsRateReachAReceiver) {
  Timed timed({.group_wait = 0s, .rate_max = 2});
  for (const char* rule : {"ForewarmDeadLetters", "ForewarmControlSilent", "ForewarmCapacityExhausted"})
    timed.fire(rule, "a");
  const TimePoint start = timed.now;
  EXPECT_NE(timed.delivered(5s), "");
  EXPECT_NE(timed.delivered(5s), "");
  EXPECT_EQ(timed.delivered(50s), "");
  EXPECT_NE(timed.delivered(15s), "");
  EXPECT_GE(timed.now - start, 1min);
}

TEST(NotificationSchedule, WhatOneMessageCannotHoldIsInTheNext) {
  Timed timed;
  for (int i = 0; i < 60; ++i) timed.fire("ForewarmDeadLetters", "q" + std::to_string(100 + i));
  const auto first = timed.wait(1min);
  ASSERT_TRUE(first);
  EXPECT_EQ(first->entries.size(), kAlertsANotification);
  EXPECT_EQ(first->left_out, 10U);
  timed.schedule.settle(timed.now, {.kind = Kind::Delivered});
  const auto second = timed.wait(10min);
  ASSERT_TRUE(second);
  EXPECT_EQ(second->entries.front().alert.subject.front(), "q150");
}

}  // namespace
}  // namespace forewarm
