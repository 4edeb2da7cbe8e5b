#include "edge/observe/notify/alert_rule.h"

#include <algorithm>

namespace forewarm {
namespace {

using Term = AlertTerm;
using Order = AlertComparison::Order;

Term number(double value) {
  Term term;
  term.number = value;
  return term;
}
Term latest(std::string_view metric) {
  Term term;
  term.kind = Term::Kind::Latest;
  term.metric = metric;
  return term;
}
Term increase(std::string_view metric, Duration window) {
  Term term = latest(metric);
  term.kind = Term::Kind::Increase;
  term.window = window;
  return term;
}
Term late_share(Duration window) {
  Term term;
  term.kind = Term::Kind::LateShare;
  term.window = window;
  return term;
}
Term late_budget(double factor) {
  Term term;
  term.kind = Term::Kind::LateBudget;
  term.number = factor;
  return term;
}
Term only(Term term, std::string_view label, std::vector<std::string_view> values) {
  term.label = label;
  term.values = std::move(values);
  return term;
}
Term but(Term term, std::string_view label, std::vector<std::string_view> values) {
  term = only(std::move(term), label, std::move(values));
  term.values_excluded = true;
  return term;
}

/// Spent faster than `factor` times what the objective allows, over a long window and still over a short
/// one. Source: Google, The Site Reliability Workbook (2018), chapter 5, table 5-8.
std::vector<AlertComparison> burns(double factor, Duration over_long, Duration over_short) {
  return {{late_share(over_long), Order::Above, late_budget(factor)},
          {late_share(over_short), Order::Above, late_budget(factor)}};
}

std::vector<AlertRule> lateness_rules() {
  return {
      {.name = "ForewarmLatenessBudgetBurnsFast",
       .severity = AlertSeverity::Page,
       .lasting = 2min,
       .by = {"queue"},
       .any = {burns(14.4, 1h, 5min)},
       .summary = "Queue {queue}: {percent} of the messages of the last hour started late",
       .description = "At this rate two percent of a month's allowance go in an hour. `forewarm explain "
                      "{queue}` says what bound the plan."},
      {.name = "ForewarmLatenessBudgetBurns",
       .severity = AlertSeverity::Page,
       .lasting = 15min,
       .by = {"queue"},
       .any = {burns(6, 6h, 30min)},
       .summary = "Queue {queue}: {percent} of the messages of six hours started late",
       .description = "At this rate five percent of a month's allowance go in six hours.",
       .muted_by = "ForewarmLatenessBudgetBurnsFast"},
      {.name = "ForewarmLatenessBudgetLeaks",
       .severity = AlertSeverity::Ticket,
       .lasting = 1h,
       .by = {"queue"},
       .any = {burns(1, 72h, 6h)},
       .summary = "Queue {queue}: more messages start late than its objective allows, for days",
       .description = "Raise scaling.instances_max, allow more (late_share_max, objective), or look at "
                      "`forewarm explain {queue}`.",
       .muted_by = "ForewarmLatenessBudgetBurnsFast"},
  };
}

std::vector<AlertRule> forecast_rules() {
  return {
      {.name = "ForewarmForecastDoesNotHelp",
       .severity = AlertSeverity::Ticket,
       .lasting = 2h,
       .by = {"queue"},
       .any = {{{latest("forewarm_forecast_loss_ratio"), Order::Above, number(1)},
                {only(increase("forewarm_messages_arrived_total", 1h), "reason", {"sent"}), Order::Above,
                 number(0)}}},
       .summary = "Queue {queue}: the forecast is worse than the last value, {value} times its loss",
       .description = "Scaling trusts it less by itself. A signal (docs/signals.md) may know what the past "
                      "does not."},
      {.name = "ForewarmForecastDrifts",
       .severity = AlertSeverity::Ticket,
       .lasting = 1h,
       .by = {"queue"},
       .any = {{{latest("forewarm_forecast_coverage_ratio"), Order::Below, number(0.8)},
                {latest("forewarm_forecast_coverage_ratio"), Order::Above, number(0)}}},
       .summary = "Queue {queue}: only {percent} of the steps stayed within their 95 % forecast",
       .description = "What comes has changed. The forecast follows within hours; if this stays, look at "
                      "the queue's traffic."},
      {.name = "ForewarmForecastFitsFail",
       .severity = AlertSeverity::Ticket,
       .by = {"queue"},
       .any = {{{only(increase("forewarm_forecast_fits_total", 1h), "reason", {"failed"}), Order::Above,
                 number(3)}}},
       .summary = "Queue {queue}: fits of forecasting models fail",
       .description = "Scaling goes on without a new forecast. The server's log says why they fail."},
  };
}

std::vector<AlertRule> message_rules() {
  return {
      {.name = "ForewarmDeadLetters",
       .severity = AlertSeverity::Ticket,
       .by = {"queue"},
       .any = {{{but(increase("forewarm_messages_moved_total", 10min), "reason", {"redrive"}), Order::Above,
                 number(0)}}},
       .summary = "Queue {queue}: {value} messages were dead-lettered within ten minutes",
       .description = "docs/retry.md says how to look at them and how to bring them back."},
      {.name = "ForewarmCapacityExhausted",
       .severity = AlertSeverity::Page,
       .lasting = 5min,
       .by = {"queue"},
       .any = {{{only(increase("forewarm_plans_total", 5min), "reason", {"maximum"}), Order::Above,
                 number(0)},
                {only(latest("forewarm_queue_messages"), "state", {"ready"}), Order::Above, number(0)},
                {latest("forewarm_queue_oldest_wait_seconds"), Order::Above,
                 latest("forewarm_objective_seconds")}}},
       .summary = "Queue {queue}: messages wait longer than its objective, and no more instances may be "
                  "started",
       .description = "The plan is bound by scaling.instances_max, the function's concurrency_max, or the "
                      "machine's instances_max and memory_max_mb."},
      {.name = "ForewarmInstancesDoNotStart",
       .severity = AlertSeverity::Page,
       .by = {"function"},
       .any = {{{only(increase("forewarm_instance_losses_total", 10min), "reason",
                      {"start_failed", "start_timeout"}),
                 Order::Above, number(2)}}},
       .summary = "Function {function}: its instances do not become ready",
       .description = "`forewarm fn logs {function}` shows what they wrote."},
      {.name = "ForewarmSignalStale",
       .severity = AlertSeverity::Ticket,
       .lasting = 10min,
       .by = {"signal"},
       .any = {{{latest("forewarm_signal_age_seconds"), Order::Above, number(3600)}},
               {{increase("forewarm_signal_failures_total", 30min), Order::AtLeast,
                 increase("forewarm_signal_readings_total", 30min)},
                {increase("forewarm_signal_readings_total", 30min), Order::Above, number(0)}}},
       .summary = "Signal {signal} has said nothing for an hour, or cannot be read",
       .description = "Forecasts go on without it. `forewarm signal list` says why it cannot be read."},
  };
}

std::vector<AlertRule> server_rules() {
  return {
      {.name = "ForewarmStoreFull",
       .severity = AlertSeverity::Page,
       .any = {{{latest("forewarm_store_full"), Order::Equal, number(1)}}},
       .summary = "Messages are refused: the disk is full",
       .description = "Deletes and receives go on in the reserve. Make room on the data folder's disk."},
      {.name = "ForewarmNotReady",
       .severity = AlertSeverity::Page,
       .lasting = 2min,
       .any = {{{latest("forewarm_ready"), Order::Equal, number(0)}}},
       .summary = "forewarm is not ready",
       .description = "It recovers its messages, or is stopping."},
      {.name = "ForewarmDown",
       .severity = AlertSeverity::Page,
       .lasting = 1min,
       .prometheus = "up{job=\"forewarm\"} == 0",
       .summary = "forewarm does not answer Prometheus",
       .description = "Nothing is lost that it has acknowledged; functions do not run meanwhile."},
      {.name = "ForewarmDirectivesRefused",
       .severity = AlertSeverity::Page,
       .lasting = 5min,
       .by = {"queue", "target"},
       .any = {{{latest("forewarm_control_directives_refused_in_row"), Order::Above, number(2)}}},
       .summary = "Queue {queue}: {target} has refused {value} directives in a row",
       .description = "What was set stays. The log of `forewarm control` has the target's words; they are "
                      "sent again by themselves."},
      {.name = "ForewarmControlSilent",
       .severity = AlertSeverity::Page,
       .lasting = 5min,
       .by = {"queue"},
       .any = {{{latest("forewarm_control_silent"), Order::Equal, number(1)}}},
       .summary = "Queue {queue}: its metrics say nothing",
       .description = "Nothing is taken away meanwhile, and nothing is started ahead of need. `forewarm "
                      "control` logs why the queries fail."},
      {.name = "ForewarmControlLeaderless",
       .severity = AlertSeverity::Page,
       .lasting = 2min,
       .any = {{{latest("forewarm_control_leader_known"), Order::Equal, number(0)}}},
       .summary = "A copy of forewarm control knows of nobody that leads",
       .description =
           "What was set stays. The log of `forewarm control` says why the Lease cannot be had; if "
           "all copies say so, nobody acts."},
  };
}

}  // namespace

std::string_view word(AlertSeverity severity) {
  return severity == AlertSeverity::Page ? "page" : "ticket";
}

const std::vector<AlertRule>& alert_rules() {
  static const std::vector<AlertRule> rules = [] {
    std::vector<AlertRule> all;
    for (auto part : {lateness_rules, forecast_rules, message_rules, server_rules})
      for (AlertRule& rule : part()) all.push_back(std::move(rule));
    return all;
  }();
  return rules;
}

const AlertRule* find_alert_rule(std::string_view name) {
  const auto found = std::ranges::find(alert_rules(), name, &AlertRule::name);
  return found == alert_rules().end() ? nullptr : &*found;
}

const std::vector<std::string_view>& alert_metrics() {
  static const std::vector<std::string_view> names = [] {
    std::vector<std::string_view> all = {"forewarm_messages_late_total", "forewarm_messages_started_total",
                                         "forewarm_late_share_max_ratio"};
    for (const AlertRule& rule : alert_rules())
      for (const auto& comparisons : rule.any)
        for (const AlertComparison& each : comparisons)
          for (const AlertTerm* term : {&each.left, &each.right})
            if (!term->metric.empty() && std::ranges::find(all, term->metric) == all.end())
              all.push_back(term->metric);
    return all;
  }();
  return names;
}

}  // namespace forewarm
