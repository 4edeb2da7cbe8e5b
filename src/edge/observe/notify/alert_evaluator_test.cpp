#include "edge/observe/notify/alert_evaluator.h"

#include <gtest/gtest.h>

#include <map>
#include <set>

#include "edge/observe/notify/alert_book.h"

namespace forewarm {
namespace {

using LabelPairs = std::vector<std::pair<std::string, std::string>>;

/// Series that are set by hand, looked at every 15 seconds.
class Looked {
 public:
  void set(const std::string& metric, const LabelPairs& labels, double value) {
    series_[metric][labels] = value;
  }
  void add(const std::string& metric, const LabelPairs& labels, double value) {
    series_[metric][labels] += value;
  }
  void forget(const std::string& metric) { series_.erase(metric); }

  std::vector<AlertHold> look() {
    now += 15s;
    std::vector<MetricPoints> metrics;
    for (const auto& [name, points] : series_) {
      MetricPoints& to = metrics.emplace_back();
      to.name = name;
      for (const auto& [labels, value] : points) to.points.push_back({.labels = labels, .value = value});
    }
    return evaluator.evaluate(now, metrics);
  }
  /// Subjects for which the rule holds, after looks for that long.
  std::set<std::string> holds(std::string_view rule, Duration during = 15s,
                              const std::function<void()>& each = {}) {
    std::set<std::string> found;
    for (const TimePoint end = now + during; now < end;) {
      if (each) each();
      found.clear();
      for (const AlertHold& hold : look())
        if (hold.rule->name == rule) found.insert(hold.subject.empty() ? "" : hold.subject.front());
    }
    return found;
  }

  TimePoint now = time_point_us(1'000'000'000'000);
  AlertEvaluator evaluator;

 private:
  std::map<std::string, std::map<LabelPairs, double>> series_;
};

const std::set<std::string> kNone;

LabelPairs queue(const std::string& name) {
  return {{"queue", name}};
}

TEST(AlertRules, NamesAreDifferentAndEachCanBeKnownSomewhere) {
  std::set<std::string_view> names;
  for (const AlertRule& rule : alert_rules()) {
    EXPECT_TRUE(names.insert(rule.name).second) << rule.name;
    EXPECT_NE(rule.any.empty(), rule.prometheus.empty()) << rule.name;
    EXPECT_TRUE(rule.muted_by.empty() || find_alert_rule(rule.muted_by) != nullptr) << rule.name;
    for (const std::string_view label : rule.by)
      EXPECT_NE(rule.summary.find("{" + std::string(label) + "}"), std::string_view::npos) << rule.name;
  }
}

TEST(AlertEvaluator, AQueueThatIsLateFarBeyondItsObjectiveBurnsItsBudgetAndOneWithinItDoesNot) {
  Looked looked;
  const auto quarter_minute = [&] {
    looked.add("forewarm_messages_started_total", queue("late"), 15);
    looked.add("forewarm_messages_late_total", queue("late"), 5);
    looked.add("forewarm_messages_started_total", queue("fine"), 250);
    looked.add("forewarm_messages_late_total", queue("fine"), 1);
    for (const char* name : {"late", "fine"}) looked.set("forewarm_late_share_max_ratio", queue(name), 0.01);
  };
  EXPECT_EQ(looked.holds("ForewarmLatenessBudgetBurnsFast", 90min, quarter_minute),
            std::set<std::string>{"late"});
  for (const AlertHold& hold : looked.look()) {
    if (hold.rule->name != "ForewarmLatenessBudgetBurnsFast") continue;
    EXPECT_NEAR(hold.value, 1.0 / 3, 1e-9);
  }
}

TEST(AlertEvaluator, ABurstThatIsOverBurnsNoMoreThoughTheHourIsStillBad) {
  Looked looked;
  looked.set("forewarm_late_share_max_ratio", queue("q"), 0.01);
  const auto all_late = [&] {
    looked.add("forewarm_messages_started_total", queue("q"), 15);
    looked.add("forewarm_messages_late_total", queue("q"), 15);
  };
  EXPECT_EQ(looked.holds("ForewarmLatenessBudgetBurnsFast", 20min, all_late), std::set<std::string>{"q"});
  const auto none_late = [&] { looked.add("forewarm_messages_started_total", queue("q"), 15); };
  EXPECT_EQ(looked.holds("ForewarmLatenessBudgetBurnsFast", 6min, none_late), kNone);
}

TEST(AlertEvaluator, DaysALittleAboveTheObjectiveLeakAndAQueueWithoutMessagesIsNeitherLateNorInTime) {
  Looked looked;
  looked.set("forewarm_late_share_max_ratio", queue("q"), 0.01);
  looked.set("forewarm_late_share_max_ratio", queue("still"), 0.01);
  looked.set("forewarm_messages_started_total", queue("still"), 0);
  looked.set("forewarm_messages_late_total", queue("still"), 0);
  const auto a_little_late = [&] {
    looked.add("forewarm_messages_started_total", queue("q"), 100);
    looked.add("forewarm_messages_late_total", queue("q"), 2);
  };
  EXPECT_EQ(looked.holds("ForewarmLatenessBudgetLeaks", 80h, a_little_late), std::set<std::string>{"q"});
  EXPECT_EQ(looked.holds("ForewarmLatenessBudgetBurns"), kNone);
}

TEST(AlertEvaluator, AGenerousObjectiveCanBeMissedToo) {
  Looked looked;
  looked.set("forewarm_late_share_max_ratio", queue("q"), 0.5);
  const auto nearly_all_late = [&] {
    looked.add("forewarm_messages_started_total", queue("q"), 100);
    looked.add("forewarm_messages_late_total", queue("q"), 95);
  };
  EXPECT_EQ(looked.holds("ForewarmLatenessBudgetBurnsFast", 10min, nearly_all_late),
            std::set<std::string>{"q"});
}

TEST(AlertEvaluator, DeadLettersAreToldOfForTenMinutesAndWhatIsBroughtBackIsNot) {
  Looked looked;
  const LabelPairs moved = {{"queue", "q"}, {"reason", "failure_odds"}};
  looked.set("forewarm_messages_moved_total", moved, 0);
  looked.set("forewarm_messages_moved_total", {{"queue", "q-dead"}, {"reason", "redrive"}}, 50);
  EXPECT_EQ(looked.holds("ForewarmDeadLetters", 20min), kNone);
  looked.add("forewarm_messages_moved_total", moved, 3);
  EXPECT_EQ(looked.holds("ForewarmDeadLetters", 9min), std::set<std::string>{"q"});
  EXPECT_EQ(looked.holds("ForewarmDeadLetters", 2min), kNone);
}

TEST(AlertEvaluator, WhatACounterHasWhenItIsFirstSeenCameSinceTheStart) {
  Looked looked;
  looked.look();
  looked.set("forewarm_messages_moved_total", {{"queue", "new"}, {"reason", "receive_count"}}, 1);
  EXPECT_EQ(looked.holds("ForewarmDeadLetters"), std::set<std::string>{"new"});
}

TEST(AlertEvaluator, ACounterThatFallsHasBegunAnew) {
  Looked looked;
  const LabelPairs fits = {{"queue", "q"}, {"reason", "failed"}};
  looked.set("forewarm_forecast_fits_total", fits, 3);
  EXPECT_EQ(looked.holds("ForewarmForecastFitsFail"), kNone);
  looked.set("forewarm_forecast_fits_total", fits, 2);
  EXPECT_EQ(looked.holds("ForewarmForecastFitsFail"), std::set<std::string>{"q"});
}

TEST(AlertEvaluator, APlanAtItsMaximumMattersWhenMessagesWaitLongerThanTheObjective) {
  Looked looked;
  for (const char* name : {"full", "busy"}) {
    looked.set("forewarm_plans_total", {{"queue", name}, {"reason", "maximum"}}, 2);
    looked.set("forewarm_queue_messages", {{"queue", name}, {"state", "ready"}}, 10);
    looked.set("forewarm_objective_seconds", queue(name), 1);
  }
  looked.set("forewarm_queue_oldest_wait_seconds", queue("full"), 30);
  looked.set("forewarm_queue_oldest_wait_seconds", queue("busy"), 0.1);
  EXPECT_EQ(looked.holds("ForewarmCapacityExhausted"), std::set<std::string>{"full"});
}

TEST(AlertEvaluator, SignalsThatAreOldOrCannotBeReadAreStale) {
  Looked looked;
  looked.set("forewarm_signal_age_seconds", {{"signal", "price"}}, 7200);
  looked.set("forewarm_signal_age_seconds", {{"signal", "well"}}, 10);
  for (const char* name : {"price", "weather", "well"}) {
    looked.set("forewarm_signal_readings_total", {{"signal", name}}, 4);
    looked.set("forewarm_signal_failures_total", {{"signal", name}}, 0);
  }
  looked.set("forewarm_signal_failures_total", {{"signal", "weather"}}, 4);
  EXPECT_EQ(looked.holds("ForewarmSignalStale"), (std::set<std::string>{"price", "weather"}));
}

TEST(AlertEvaluator, ForecastsThatDoNotHelpOrDriftInstancesThatDoNotStartAndTheServerItself) {
  Looked looked;
  looked.set("forewarm_forecast_loss_ratio", queue("odd"), 1.5);
  looked.set("forewarm_forecast_loss_ratio", queue("quiet"), 1.5);
  looked.set("forewarm_forecast_loss_ratio", queue("good"), 0.5);
  for (const char* name : {"odd", "good"})
    looked.set("forewarm_messages_arrived_total", {{"queue", name}, {"reason", "sent"}}, 10);
  looked.set("forewarm_messages_arrived_total", {{"queue", "quiet"}, {"reason", "recovered"}}, 10);
  looked.set("forewarm_forecast_coverage_ratio", queue("odd"), 0.5);
  looked.set("forewarm_forecast_coverage_ratio", queue("unscored"), 0);
  looked.set("forewarm_instance_losses_total", {{"function", "f"}, {"reason", "start_failed"}}, 2);
  looked.set("forewarm_instance_losses_total", {{"function", "f"}, {"reason", "start_timeout"}}, 1);
  looked.set("forewarm_instance_losses_total", {{"function", "g"}, {"reason", "stopped"}}, 9);
  looked.set("forewarm_store_full", {}, 1);
  looked.set("forewarm_ready", {}, 0);
  EXPECT_EQ(looked.holds("ForewarmForecastDoesNotHelp"), std::set<std::string>{"odd"});
  EXPECT_EQ(looked.holds("ForewarmForecastDrifts"), std::set<std::string>{"odd"});
  EXPECT_EQ(looked.holds("ForewarmInstancesDoNotStart"), std::set<std::string>{"f"});
  EXPECT_EQ(looked.holds("ForewarmStoreFull"), std::set<std::string>{""});
  EXPECT_EQ(looked.holds("ForewarmNotReady"), std::set<std::string>{""});
  looked.set("forewarm_ready", {}, 1);
  EXPECT_EQ(looked.holds("ForewarmNotReady"), kNone);
}

TEST(AlertEvaluator, WhatControlCannotSayOrSee) {
  Looked looked;
  looked.set("forewarm_control_directives_refused_in_row", {{"queue", "q"}, {"target", "kubernetes"}}, 4);
  looked.set("forewarm_control_silent", queue("q"), 1);
  EXPECT_EQ(looked.holds("ForewarmDirectivesRefused"), std::set<std::string>{"q"});
  EXPECT_EQ(looked.holds("ForewarmControlSilent"), std::set<std::string>{"q"});
  looked.set("forewarm_control_leader_known", {}, 1);
  EXPECT_EQ(looked.holds("ForewarmControlLeaderless"), kNone);
  looked.set("forewarm_control_leader_known", {}, 0);
  EXPECT_EQ(looked.holds("ForewarmControlLeaderless"), std::set<std::string>{""});
  looked.forget("forewarm_control_silent");
  EXPECT_EQ(looked.holds("ForewarmControlSilent"), kNone);
}

/// A program that begins where another ended `later`: with counters of its own, and what `before` kept.
Looked begun_after(const Looked& before, std::string_view rule, const std::string& subject,
                   Duration later = 15s) {
  const Alert alert{.rule = find_alert_rule(rule), .subject = {subject}, .value = 0, .since = before.now};
  Looked after;
  after.now = before.now + later;
  after.evaluator.remember(after.now, before.evaluator.growths(std::span(&alert, 1)));
  return after;
}

TEST(AlertEvaluator, ARiseBeforeARestartCountsUntilItsWindowIsOver) {
  Looked before;
  before.set("forewarm_messages_moved_total", {{"queue", "q"}, {"reason", "failure_odds"}}, 3);
  EXPECT_EQ(before.holds("ForewarmDeadLetters", 4min), std::set<std::string>{"q"});
  Looked after = begun_after(before, "ForewarmDeadLetters", "q");
  EXPECT_EQ(after.holds("ForewarmDeadLetters", 5min), std::set<std::string>{"q"})
      << "the counter is not even there";
  EXPECT_EQ(after.holds("ForewarmDeadLetters", 2min), kNone) << "ten minutes are over";
  EXPECT_EQ(Looked(begun_after(before, "ForewarmDeadLetters", "q", 11min)).holds("ForewarmDeadLetters"),
            kNone);
}

TEST(AlertEvaluator, WhatRisesAfterARestartComesOnTopOfWhatRoseBefore) {
  const LabelPairs fits = {{"queue", "q"}, {"reason", "failed"}};
  Looked before;
  before.set("forewarm_forecast_fits_total", fits, 3);
  EXPECT_EQ(before.holds("ForewarmForecastFitsFail", 5min), kNone);
  Looked after = begun_after(before, "ForewarmForecastFitsFail", "q");
  after.set("forewarm_forecast_fits_total", fits, 1);
  EXPECT_EQ(after.holds("ForewarmForecastFitsFail", 5min), std::set<std::string>{"q"});
  EXPECT_EQ(after.holds("ForewarmForecastFitsFail", 51min), kNone) << "the three are older than an hour";
  after.set("forewarm_forecast_fits_total", fits, 3);
  EXPECT_EQ(after.holds("ForewarmForecastFitsFail"), kNone) << "three within the hour";
  after.set("forewarm_forecast_fits_total", fits, 4);
  EXPECT_EQ(after.holds("ForewarmForecastFitsFail"), std::set<std::string>{"q"});
}

TEST(AlertEvaluator, ABudgetThatBurntGoesOnBurningAfterARestart) {
  Looked before;
  const auto a_third_late = [](Looked& looked) {
    looked.add("forewarm_messages_started_total", queue("q"), 15);
    looked.add("forewarm_messages_late_total", queue("q"), 5);
    looked.set("forewarm_late_share_max_ratio", queue("q"), 0.01);
  };
  EXPECT_EQ(before.holds("ForewarmLatenessBudgetBurns", 7h, [&] { a_third_late(before); }),
            std::set<std::string>{"q"});
  Looked after = begun_after(before, "ForewarmLatenessBudgetBurns", "q");
  after.set("forewarm_late_share_max_ratio", queue("q"), 0.01);
  const auto in_time = [&] { after.add("forewarm_messages_started_total", queue("q"), 15); };
  EXPECT_EQ(after.holds("ForewarmLatenessBudgetBurns", 10min, in_time), std::set<std::string>{"q"});
  EXPECT_EQ(after.holds("ForewarmLatenessBudgetBurns", 25min, in_time), kNone) << "the short window is over";
}

TEST(AlertEvaluator, WhatThisProgramSawItselfIsNotCountedTwice) {
  const LabelPairs fits = {{"queue", "q"}, {"reason", "failed"}};
  Looked leader, follower;
  for (Looked* each : {&leader, &follower}) each->set("forewarm_forecast_fits_total", fits, 2);
  for (Looked* each : {&leader, &follower}) EXPECT_EQ(each->holds("ForewarmForecastFitsFail", 5min), kNone);
  const Alert alert{find_alert_rule("ForewarmForecastFitsFail"), {"q"}, 2, leader.now};
  follower.evaluator.remember(follower.now, leader.evaluator.growths(std::span(&alert, 1)));
  EXPECT_EQ(follower.holds("ForewarmForecastFitsFail"), kNone) << "two, and not four";
  follower.set("forewarm_forecast_fits_total", fits, 4);
  EXPECT_EQ(follower.holds("ForewarmForecastFitsFail"), std::set<std::string>{"q"});
}

TEST(AlertEvaluator, OfWhatIsKeptATermThatThereIsNoneOfAndTimesToComeAreLeftOut) {
  Looked looked;
  looked.look();
  Looked before;
  before.set("forewarm_messages_moved_total", {{"queue", "q"}, {"reason", "failure_odds"}}, 3);
  before.look();
  const Alert alert{find_alert_rule("ForewarmDeadLetters"), {"q"}, 3, before.now};
  std::vector<AlertGrowth> kept = before.evaluator.growths(std::span(&alert, 1));
  ASSERT_EQ(kept.size(), 1U);
  kept[0].samples[0].first = looked.now + 24h;
  kept.push_back(kept[0]);
  kept[1].term = "of another version";
  looked.evaluator.remember(looked.now, kept);
  EXPECT_EQ(looked.holds("ForewarmDeadLetters", 9min), std::set<std::string>{"q"});
  EXPECT_EQ(looked.holds("ForewarmDeadLetters", 2min), kNone);
  EXPECT_TRUE(looked.evaluator.growths(std::span(&alert, 1)).empty()) << "and it is forgotten";
}

TEST(AlertBook, AnAlertCountsOnceItHasLastedAndBeginsAnewAfterItsEnd) {
  AlertBook book;
  TimePoint now = time_point_us(1'000'000);
  const AlertRule* rule = find_alert_rule("ForewarmControlSilent");
  const std::vector<AlertHold> holds = {{rule, {"q"}, 1}};
  EXPECT_TRUE(book.update(now, holds).fired.empty());
  now += 4min;
  EXPECT_TRUE(book.update(now, holds).fired.empty());
  EXPECT_EQ(book.alerts().size(), 1U);
  EXPECT_TRUE(book.firing().empty());
  now += 1min;
  ASSERT_EQ(book.update(now, holds).fired.size(), 1U);
  EXPECT_EQ(book.firing().front().fired, now);
  EXPECT_TRUE(book.update(now + 15s, holds).fired.empty()) << "it fires once";
  const AlertBook::Changes over = book.update(now + 30s, {});
  ASSERT_EQ(over.resolved.size(), 1U);
  EXPECT_EQ(over.resolved.front().subject, std::vector<std::string>{"q"});
  EXPECT_TRUE(book.update(now + 45s, holds).fired.empty()) << "a pause begins the time anew";
  EXPECT_TRUE(book.update(now + 60s, {}).resolved.empty()) << "what never counted is not over";
}

TEST(AlertBook, AnOperatorsTimeReplacesTheRules) {
  AlertBook book;
  const std::vector<AlertHold> holds = {{find_alert_rule("ForewarmSignalStale"), {"price"}, 7200}};
  const auto at_once = [](const AlertRule&) { return Duration(0); };
  EXPECT_EQ(book.update(time_point_us(5), holds, at_once).fired.size(), 1U);
}

}  // namespace
}  // namespace forewarm
