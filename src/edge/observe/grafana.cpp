#include "edge/observe/grafana.h"

#include <array>
#include <boost/json.hpp>
#include <string_view>

namespace forewarm {
namespace {

namespace json = boost::json;

struct Query {
  std::string_view expression;
  std::string_view legend;
};
/// A panel of half the width; a title alone begins a row.
struct Panel {
  std::string_view title;
  std::string_view unit;  ///< as Grafana names units
  std::array<Query, 3> queries{};
  std::string_view help = {};
};

constexpr std::string_view kRange = "$__rate_interval";

constexpr auto kPanels = std::to_array<Panel>({
    {"Queues", ""},
    {"Messages that arrive",
     "cps",
     {{{R"(sum by (queue) (rate(forewarm_messages_arrived_total{queue=~"$queue",reason="sent"}[RANGE])))",
        "{{queue}}"}}}},
    {"Messages in the queue",
     "short",
     {{{R"(forewarm_queue_messages{queue=~"$queue"})", "{{queue}} {{state}}"}}}},
    {"Share that starts late",
     "percentunit",
     {{{R"(sum by (queue) (rate(forewarm_messages_late_total{queue=~"$queue"}[RANGE])) / )"
        R"((sum by (queue) (rate(forewarm_messages_started_total{queue=~"$queue"}[RANGE])) > 0))",
        "{{queue}}"},
       {R"(max by (queue) (forewarm_late_share_max_ratio{queue=~"$queue"}))", "{{queue}} allowed"}}},
     "A start is late that comes after the message's deadline."},
    {"Wait before the first start",
     "s",
     {{{R"(histogram_quantile(0.5, sum by (queue, le) (rate(forewarm_message_wait_seconds_bucket{queue=~"$queue"}[RANGE]))))",
        "{{queue}} median"},
       {R"(histogram_quantile(0.99, sum by (queue, le) (rate(forewarm_message_wait_seconds_bucket{queue=~"$queue"}[RANGE]))))",
        "{{queue}} 99 %"},
       {R"(max by (queue) (forewarm_objective_seconds{queue=~"$queue"}))", "{{queue}} objective"}}}},
    {"Dead letters and retries",
     "cps",
     {{{R"(sum by (queue, reason) (rate(forewarm_messages_moved_total{queue=~"$queue",reason!="redrive"}[RANGE])))",
        "{{queue}} dead-lettered: {{reason}}"},
       {R"(sum by (queue, reason) (rate(forewarm_retries_total{queue=~"$queue"}[RANGE])))",
        "{{queue}} retried: {{reason}}"}}}},
    {"Oldest message", "s", {{{R"(forewarm_queue_oldest_wait_seconds{queue=~"$queue"})", "{{queue}}"}}}},
    {"Forecasts and plans", ""},
    {"Forecast of a step, and what came",
     "short",
     {{{R"(forewarm_forecast_median_messages{queue=~"$queue"})", "{{queue}} median"},
       {R"(forewarm_forecast_high_messages{queue=~"$queue"})", "{{queue}} 95 %"},
       {R"(sum by (queue) (rate(forewarm_messages_arrived_total{queue=~"$queue",reason="sent"}[RANGE])) * )"
        R"(on (queue) group_left () max by (queue) (forewarm_forecast_step_seconds{queue=~"$queue"}))",
        "{{queue}} came"}}}},
    {"Is the forecast any good",
     "percentunit",
     {{{R"(forewarm_forecast_loss_ratio{queue=~"$queue"})", "{{queue}} loss beside the last value's"},
       {R"(forewarm_forecast_coverage_ratio{queue=~"$queue"})", "{{queue}} steps within the 95 %"}}},
     "Loss below 100 %: it helps. Steps within the 95 % quantile: 95 % is right."},
    {"Instances wanted",
     "short",
     {{{R"(forewarm_plan_instances{queue=~"$queue"})", "{{queue}}"},
       {R"(forewarm_plan_warm_floor_instances{queue=~"$queue"})", "{{queue}} floor"}}}},
    {"What bound the plans",
     "short",
     {{{R"(sum by (reason) (rate(forewarm_plans_total{queue=~"$queue"}[RANGE])))", "{{reason}}"}}}},
    {"Functions", ""},
    {"Instances",
     "short",
     {{{R"(sum by (function, state) (forewarm_instances{function=~"$function"}))",
        "{{function}} {{state}}"}}}},
    {"Starts",
     "cps",
     {{{R"(sum by (function, reason) (rate(forewarm_instance_starts_total{function=~"$function"}[RANGE])))",
        "{{function}} {{reason}}"}}}},
    {"Start time",
     "s",
     {{{R"(histogram_quantile(0.95, sum by (function, le) (rate(forewarm_instance_start_seconds_bucket{function=~"$function"}[RANGE]))))",
        "{{function}} 95 %"}}}},
    {"Service time",
     "s",
     {{{R"(histogram_quantile(0.5, sum by (function, le) (rate(forewarm_run_duration_seconds_bucket{function=~"$function"}[RANGE]))))",
        "{{function}} median"},
       {R"(histogram_quantile(0.99, sum by (function, le) (rate(forewarm_run_duration_seconds_bucket{function=~"$function"}[RANGE]))))",
        "{{function}} 99 %"}}}},
    {"Runs that failed",
     "cps",
     {{{R"(sum by (function, reason) (rate(forewarm_runs_total{function=~"$function",reason!="none"}[RANGE])))",
        "{{function}} {{reason}}"}}}},
    {"Instances lost",
     "cps",
     {{{R"(sum by (function, reason) (rate(forewarm_instance_losses_total{function=~"$function"}[RANGE])))",
        "{{function}} {{reason}}"}}}},
    {"Server", ""},
    {"Memory",
     "bytes",
     {{{"forewarm_process_memory_bytes", "server"}, {"forewarm_functions_memory_bytes", "functions"}}}},
    {"Processor", "percentunit", {{{"rate(forewarm_process_cpu_seconds_total[RANGE])", "server"}}}},
    {"Longest commit",
     "s",
     {{{"max_over_time(forewarm_store_commit_max_seconds[RANGE])", "longest in a second"}}}},
    {"Commits and writes",
     "cps",
     {{{"rate(forewarm_store_commits_total[RANGE])", "commits"},
       {"rate(forewarm_store_writes_total[RANGE])", "writes"},
       {"rate(forewarm_store_syncs_total[RANGE])", "syncs"}}}},
    {"Store",
     "bytes",
     {{{"forewarm_store_file_bytes", "files"}, {"forewarm_store_pending_bytes", "not committed yet"}}}},
    {"Signals, age", "s", {{{"forewarm_signal_age_seconds", "{{signal}}"}}}},
});

std::string with_range(std::string_view expression) {
  constexpr std::string_view kMark = "RANGE";
  std::string text(expression);
  for (std::size_t at = 0; (at = text.find(kMark, at)) != std::string::npos; at += kRange.size())
    text.replace(at, kMark.size(), kRange);
  return text;
}

json::object panel(const Panel& from, int id, int row, int column) {
  json::array targets;
  char letter = 'A';
  for (const Query& query : from.queries) {
    if (query.expression.empty()) continue;
    targets.push_back({{"refId", std::string(1, letter++)},
                       {"expr", with_range(query.expression)},
                       {"legendFormat", query.legend},
                       {"datasource", {{"type", "prometheus"}, {"uid", "$datasource"}}}});
  }
  json::object made{
      {"id", id},
      {"type", "timeseries"},
      {"title", from.title},
      {"datasource", {{"type", "prometheus"}, {"uid", "$datasource"}}},
      {"gridPos", {{"x", column * 12}, {"y", row}, {"w", 12}, {"h", 8}}},
      {"fieldConfig", {{"defaults", {{"unit", from.unit}, {"min", 0}}}, {"overrides", json::array()}}},
      {"options",
       {{"legend",
         {{"displayMode", "list"}, {"placement", "bottom"}, {"showLegend", true}, {"calcs", json::array()}}},
        {"tooltip", {{"mode", "multi"}, {"sort", "desc"}}}}},
      {"targets", std::move(targets)}};
  if (!from.help.empty()) made["description"] = from.help;
  return made;
}

json::array panels() {
  json::array made;
  int id = 0;
  int row = 0;
  int column = 0;
  for (const Panel& each : kPanels) {
    ++id;
    if (each.unit.empty()) {
      row += column > 0 ? 8 : 0;
      column = 0;
      made.push_back({{"id", id},
                      {"type", "row"},
                      {"title", each.title},
                      {"collapsed", false},
                      {"panels", json::array()},
                      {"gridPos", {{"x", 0}, {"y", row++}, {"w", 24}, {"h", 1}}}});
      continue;
    }
    made.push_back(panel(each, id, row, column));
    row += column > 0 ? 8 : 0;
    column = 1 - column;
  }
  return made;
}

json::object variable(std::string_view name, std::string_view query) {
  return {{"name", name},
          {"label", name},
          {"type", "query"},
          {"query", query},
          {"refresh", 2},
          {"multi", true},
          {"includeAll", true},
          {"sort", 1},
          {"current", {{"text", "All"}, {"value", "$__all"}}},
          {"datasource", {{"type", "prometheus"}, {"uid", "$datasource"}}}};
}

}  // namespace

std::string grafana_dashboard() {
  const json::object dashboard{
      {"uid", "forewarm"},
      {"title", "forewarm"},
      {"tags", {"forewarm"}},
      {"schemaVersion", 38},
      {"editable", true},
      {"refresh", "10s"},
      {"time", {{"from", "now-1h"}, {"to", "now"}}},
      {"templating",
       {{"list",
         {json::object{
              {"name", "datasource"}, {"label", "source"}, {"type", "datasource"}, {"query", "prometheus"}},
          variable("queue", "label_values(forewarm_queue_messages, queue)"),
          variable("function", "label_values(forewarm_instances, function)")}}}},
      {"panels", panels()}};
  return json::serialize(dashboard) + "\n";
}

}  // namespace forewarm
