#include "edge/observe/notify/alert_rules_document.h"

#include <array>
#include <cstdio>

namespace forewarm {
namespace {

constexpr std::array kShareWindows = {Duration(5min), Duration(30min), Duration(1h), Duration(6h),
                                      Duration(72h)};

std::string promql_number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%g", value);
  return text;
}

/// "5m", "1h", "3d".
std::string promql_duration(Duration duration) {
  const auto minutes = std::chrono::duration_cast<std::chrono::minutes>(duration).count();
  if (minutes % 1440 == 0 && minutes > 0) return std::to_string(minutes / 1440) + "d";
  if (minutes % 60 == 0 && minutes > 0) return std::to_string(minutes / 60) + "h";
  return std::to_string(minutes) + "m";
}

std::string selector(const AlertTerm& term) {
  if (term.label.empty()) return std::string(term.metric);
  std::string values;
  for (const std::string_view value : term.values) values += (values.empty() ? "" : "|") + std::string(value);
  const bool several = term.values.size() > 1;
  const char* match = term.values_excluded ? (several ? "!~" : "!=") : (several ? "=~" : "=");
  return std::string(term.metric) + "{" + std::string(term.label) + match + "\"" + values + "\"}";
}

std::string_view order_sign(AlertComparison::Order order) {
  switch (order) {
    case AlertComparison::Order::Above:
      return ">";
    case AlertComparison::Order::AtLeast:
      return ">=";
    case AlertComparison::Order::Below:
      return "<";
    case AlertComparison::Order::Equal:
      return "==";
  }
  return "";
}

/// A template of ours as one of Prometheus', inside YAML's double quotes.
std::string annotation(std::string_view text) {
  std::string out = "\"";
  for (std::size_t at = 0; at < text.size(); ++at) {
    const std::size_t end = text[at] == '{' ? text.find('}', at) : std::string_view::npos;
    if (end == std::string_view::npos) {
      if (text[at] == '"' || text[at] == '\\') out += '\\';
      out += text[at];
      continue;
    }
    const std::string_view name = text.substr(at + 1, end - at - 1);
    out += name == "value"     ? "{{ $value | humanize }}"
           : name == "percent" ? "{{ $value | humanizePercentage }}"
                               : "{{ $labels." + std::string(name) + " }}";
    at = end;
  }
  return out + "\"";
}

std::string recorded_share(Duration window) {
  return "forewarm:late:ratio_rate" + promql_duration(window);
}

std::string rule_text(const AlertRule& rule) {
  std::string text = "      - alert: " + std::string(rule.name) + "\n        expr: >\n          ";
  for (const char c : promql_of(rule)) {
    text += c;
    if (c == '\n') text += "          ";
  }
  text += "\n";
  if (rule.lasting > Duration(0)) text += "        for: " + promql_duration(rule.lasting) + "\n";
  return text + "        labels: {severity: " + std::string(word(rule.severity)) +
         "}\n        annotations:\n          summary: " + annotation(rule.summary) +
         "\n          description: " + annotation(rule.description) + "\n";
}

}  // namespace

std::string promql_of(const AlertTerm& term, const std::vector<std::string_view>& by) {
  std::string labels = "(instance";
  for (const std::string_view label : by) labels += ", " + std::string(label);
  labels += ")";
  switch (term.kind) {
    case AlertTerm::Kind::Number:
      return promql_number(term.number);
    case AlertTerm::Kind::Latest:
      return "max by " + labels + " (" + selector(term) + ")";
    case AlertTerm::Kind::Increase:
      return "sum by " + labels + " (increase(" + selector(term) + "[" + promql_duration(term.window) + "]))";
    case AlertTerm::Kind::LateShare:
      return recorded_share(term.window);
    case AlertTerm::Kind::LateBudget:
      return "clamp_max(" + promql_number(term.number) + " * forewarm:late:ratio_budget, " +
             promql_number(kLateShareNoticed) + ")";
  }
  return "";
}

std::string promql_of(const AlertRule& rule) {
  if (rule.any.empty()) return std::string(rule.prometheus);
  std::string text;
  for (const auto& comparisons : rule.any) {
    if (!text.empty()) text += "\nor ";
    std::string all;
    for (const AlertComparison& each : comparisons) {
      if (!all.empty()) all += "\nand ";
      all += promql_of(each.left, rule.by) + " " + std::string(order_sign(each.order)) + " " +
             promql_of(each.right, rule.by);
    }
    // `and` binds tighter than `or` in PromQL.
    text += all;
  }
  return text;
}

std::string alert_rules_document() {
  std::string text =
      "# Recording and alerting rules for forewarm, made of the table in "
      "src/edge/observe/notify/alert_rule.cpp, which the\n"
      "# server's own notifications use too; a test compares the two (FOREWARM_UPDATE=1 rewrites this file). "
      "Tested by\n"
      "# forewarm.rules.test.yml (promtool test rules).\n"
      "#\n"
      "# The lateness objective is an error budget: late_share_max of a queue's messages may start later "
      "than its objective. The\n"
      "# burn-rate windows and factors are those of the SRE Workbook (Google, 2018, chapter 5, table 5-8).\n"
      "groups:\n  - name: forewarm-lateness\n    rules:\n";
  for (const Duration window : kShareWindows) {
    const std::string range = "[" + promql_duration(window) + "]";
    text += "      - record: " + recorded_share(window) +
            "\n        expr: sum by (instance, queue) (rate(forewarm_messages_late_total" + range +
            ")) / (sum by (instance, queue) (rate(forewarm_messages_started_total" + range + ")) > 0)\n";
  }
  text +=
      "      # What may be late; no share above 90 % is waited for, so that a generous objective can be "
      "missed too.\n"
      "      - record: forewarm:late:ratio_budget\n"
      "        expr: max by (instance, queue) (forewarm_late_share_max_ratio) > 0\n"
      "\n  - name: forewarm-alerts\n    rules:\n";
  for (const AlertRule& rule : alert_rules()) text += rule_text(rule);
  return text;
}

}  // namespace forewarm
