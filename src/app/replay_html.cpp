#include <algorithm>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "app/config.h"
#include "app/replay_cdf.h"
#include "app/replay_chart.h"
#include "app/replay_ratio.h"
#include "app/replay_report.h"
#include "app/terminal.h"

namespace forewarm {
namespace {

constexpr std::size_t kQueuesShown = 40;

/// Cost to the right, lateness upwards: the lower left corner is best.
std::string pareto(const ReplayReport& report) {
  constexpr double kHeight = 360, kTop = 20, kBottom = 44;
  double cost_max = 0, late_max = report.late_share_max * 1.5;
  for (const PolicyResult& policy : report.policies) {
    cost_max = std::max(cost_max, policy.result.total.instance_seconds());
    late_max = std::max(late_max, policy.result.total.late_share());
  }
  cost_max = std::max(1.0, cost_max * 1.18);
  late_max = std::max(1e-4, late_max * 1.12);
  const auto x = [&](double cost) {
    return kChartLeft + cost / cost_max * (kChartWidth - kChartLeft - kChartRight);
  };
  const auto y = [&](double late) {
    return kHeight - kBottom - late / late_max * (kHeight - kTop - kBottom);
  };

  std::string out = "<svg viewBox=\"0 0 960 360\" role=\"img\" aria-label=\"cost against lateness\">\n";
  const double cost_step = chart_tick_step(cost_max, 8), late_step = chart_tick_step(late_max, 5);
  for (int tick = 0; tick * cost_step <= cost_max; ++tick) {
    const double cost = tick * cost_step;
    out += chart_line(x(cost), y(0), x(cost), kTop, "grid");
    out += chart_text(x(cost), kHeight - kBottom + 18, "middle", chart_short_number(cost));
  }
  for (int tick = 0; tick * late_step <= late_max; ++tick) {
    const double late = tick * late_step;
    out += chart_line(kChartLeft, y(late), kChartWidth - kChartRight, y(late), "grid");
    out += chart_text(kChartLeft - 8, y(late) + 4, "end", fixed(late * 100, late_step < 0.01 ? 2 : 0) + " %");
  }
  out += chart_line(kChartLeft, y(report.late_share_max), kChartWidth - kChartRight, y(report.late_share_max),
                    "goal");
  out += chart_text(kChartLeft + 6, y(report.late_share_max) - 6, "start",
                    "objective: " + fixed(report.late_share_max * 100, 1) + " % late");
  out += chart_text(kChartWidth / 2, kHeight - 6, "middle", "instance-seconds (starting, idle and busy)");
  if (report.bound() > 0) {
    out += chart_line(x(report.bound()), y(0), x(report.bound()), kTop, "goal");
    out += chart_text(x(report.bound()) + 6, kTop + 12, "start", "bound: nobody can need less");
  }
  constexpr double kLabelWidth = 170;  // of a long name
  std::vector<std::pair<double, double>> labels;
  for (std::size_t i = 0; i < report.policies.size(); ++i) {
    const QueueLedger& total = report.policies[i].result.total;
    const double px = x(total.instance_seconds()), py = y(total.late_share());
    double label_y = py - 10;
    for (const auto& [taken_x, taken_y] : labels) {
      if (std::abs(taken_x - px) < kLabelWidth && std::abs(taken_y - label_y) < 14) label_y = taken_y - 14;
    }
    labels.emplace_back(px, label_y);
    out += "<circle cx=\"" + chart_number(px) + "\" cy=\"" + chart_number(py) +
           "\" r=\"7\" style=\"fill:" + chart_colour(i) + "\"/>\n";
    out += chart_text(px + 11, label_y, "start", report.policies[i].policy,
                      "class=\"label\" style=\"fill:" + chart_colour(i) + "\"");
  }
  return out + "</svg>\n";
}

struct Panel {
  double top = 0;
  double height = 0;
  double most = 0;  ///< value at the top
  std::size_t columns = 0;

  double x(std::size_t column) const {
    return kChartLeft + static_cast<double>(column) / static_cast<double>(std::max<std::size_t>(1, columns)) *
                            (kChartWidth - kChartLeft - kChartRight);
  }
  double y(double value) const { return top + height - std::min(1.0, value / most) * height; }
};

/// A filled step line.
std::string area(const Panel& panel, const std::vector<double>& values, const std::string& style) {
  std::string path = "M" + chart_number(panel.x(0)) + " " + chart_number(panel.y(0));
  for (std::size_t i = 0; i < values.size(); ++i) {
    path += "L" + chart_number(panel.x(i)) + " " + chart_number(panel.y(values[i]));
    path += "H" + chart_number(panel.x(i + 1));
  }
  path += "V" + chart_number(panel.y(0)) + "Z";
  return "<path d=\"" + path + "\" style=\"" + style + "\"/>\n";
}

std::string panel_frame(const Panel& panel, const std::string& name, const std::string& style) {
  std::string out = chart_line(kChartLeft, panel.top + panel.height, kChartWidth - kChartRight,
                               panel.top + panel.height, "axis");
  out += chart_line(kChartLeft, panel.top, kChartWidth - kChartRight, panel.top, "grid");
  out += chart_text(kChartLeft - 8, panel.top + 8, "end", chart_short_number(panel.most));
  out += chart_text(kChartLeft - 8, panel.top + panel.height, "end", "0");
  out += chart_text(kChartLeft + 6, panel.top + 13, "start", name, "class=\"label\" style=\"" + style + "\"");
  return out;
}

std::string time_axis(const ReplayReport& report, const Panel& panel, double bottom) {
  std::string out;
  const double hours = seconds(report.bucket) * static_cast<double>(panel.columns) / 3600;
  const bool minutes = hours < 2;
  const double most = minutes ? hours * 60 : hours;
  const double step = chart_tick_step(most, 9);
  for (int tick = 0; tick * step <= most; ++tick) {
    const double at = tick * step;
    const double px = kChartLeft + at / most * (kChartWidth - kChartLeft - kChartRight);
    out += chart_text(px, bottom, "middle", chart_short_number(at) + (minutes ? " min" : " h"));
  }
  return out;
}

std::string timeline(const ReplayReport& report) {
  constexpr double kPanel = 96, kGap = 18, kTop = 6;
  std::size_t columns = 1;
  double arrivals_most = 1, instances_most = 1;
  const double bucket = seconds(report.bucket);
  for (const PolicyResult& policy : report.policies) {
    columns = std::max(columns, policy.result.timeline.size());
    for (const TimelineBucket& column : policy.result.timeline) {
      arrivals_most = std::max(arrivals_most, static_cast<double>(column.arrivals));
      instances_most = std::max(instances_most, column.instance_seconds / bucket);
    }
  }
  const double height = kTop + (kPanel + kGap) * static_cast<double>(report.policies.size() + 1) + 16;
  std::string out =
      "<svg viewBox=\"0 0 960 " + chart_number(height) + "\" role=\"img\" aria-label=\"time line\">\n";
  Panel panel{.top = kTop, .height = kPanel, .most = arrivals_most, .columns = columns};
  const auto values = [&](const SimulationResult& result, auto&& of) {
    std::vector<double> list;
    list.reserve(result.timeline.size());
    for (const TimelineBucket& column : result.timeline) list.push_back(of(column));
    return list;
  };
  out += area(panel,
              values(report.policies.front().result,
                     [](const TimelineBucket& column) { return static_cast<double>(column.arrivals); }),
              "fill:#94a3b8");
  out += panel_frame(panel, "messages per " + format_duration(report.bucket), "fill:var(--ink)");
  for (std::size_t i = 0; i < report.policies.size(); ++i) {
    panel.top += kPanel + kGap;
    panel.most = instances_most;
    const SimulationResult& result = report.policies[i].result;
    out += area(
        panel, values(result, [&](const TimelineBucket& column) { return column.instance_seconds / bucket; }),
        "fill:" + chart_colour(i) + ";opacity:.35");
    out += area(panel,
                values(result, [&](const TimelineBucket& column) { return column.busy_seconds / bucket; }),
                "fill:" + chart_colour(i));
    for (std::size_t c = 0; c < result.timeline.size(); ++c) {
      if (result.timeline[c].late == 0) continue;
      const double share = static_cast<double>(result.timeline[c].late) /
                           static_cast<double>(std::max<std::uint64_t>(1, result.timeline[c].arrivals));
      const double depth = 2 + 8 * std::min(1.0, share);
      out += "<rect x=\"" + chart_number(panel.x(c)) + "\" y=\"" + chart_number(panel.top + kPanel + 1) +
             "\" width=\"" + chart_number(std::max(1.0, panel.x(c + 1) - panel.x(c))) + "\" height=\"" +
             chart_number(depth) + "\" style=\"fill:var(--goal)\"/>\n";
    }
    out +=
        panel_frame(panel, report.policies[i].policy + ": instances (dark: busy)", "fill:" + chart_colour(i));
  }
  out += time_axis(report, panel, height - 2);
  return out + "</svg>\n";
}

std::string cell(const std::string& text) {
  return "<td>" + text + "</td>";
}

std::string wait_text(Duration wait) {
  const double ms = seconds(wait) * 1e3;
  return ms < 1000 ? fixed(ms, ms < 10 ? 1 : 0) + " ms" : fixed(ms / 1e3, 1) + " s";
}

std::string cost_head(const std::optional<PriceSheet>& prices) {
  if (!prices) return {};
  return "<th>" + chart_escaped(prices->currency) + "</th>" + (prices->committed ? "<th>committed</th>" : "");
}

std::string cost_cells(const std::optional<PriceSheet>& prices, const Cost& cost) {
  if (!prices) return {};
  return cell(money_text(cost.total())) + (prices->committed ? cell(grouped(cost.committed_instances)) : "");
}

std::string prices_paragraph(const std::optional<PriceSheet>& prices) {
  if (!prices) return {};
  std::string out = "<p>" + chart_escaped(prices->currency) + " by the price sheet " +
                    chart_escaped(prices->name) + ", instances of " + fixed(prices->memory_gb, 2) +
                    " GB. Prices of this kind change; check them.";
  if (prices->idle_second <= 0)
    out += " Idle instances cost nothing by this sheet, so what a policy keeps warm looks free.";
  if (prices->committed)
    out +=
        " Committed: how many instances, of all queues, are cheaper paid for all the time; chosen with "
        "hindsight, and in the cost.";
  return out + "</p>\n";
}

std::string totals(const ReplayReport& report) {
  std::string out =
      "<table><thead><tr><th>policy</th><th>late</th><th>wait p50</th><th>wait p99</th><th>cold starts</th>"
      "<th>instance starts</th><th>instance-seconds</th><th>of the first</th><th>of the "
      "bound</th><th>busy</th>" +
      cost_head(report.prices) + "</tr></thead><tbody>\n";
  const double bound = report.bound();
  for (std::size_t i = 0; i < report.policies.size(); ++i) {
    const QueueLedger& total = report.policies[i].result.total;
    const std::optional<CostRatio> ratio = cost_ratio(report, i);
    out += "<tr><th style=\"color:" + chart_colour(i) + "\">" + chart_escaped(report.policies[i].policy) +
           "</th>" + cell(fixed(total.late_share() * 100, 2) + " %") +
           cell(wait_text(total.waits.quantile(0.5))) + cell(wait_text(total.waits.quantile(0.99))) +
           cell(grouped(total.cold_starts)) + cell(grouped(total.starts)) +
           cell(grouped(static_cast<std::uint64_t>(total.instance_seconds()))) +
           cell(i > 0 && ratio ? ratio->text() : "–") +
           cell(bound > 0 ? fixed(total.instance_seconds() / bound, 2) : "–") +
           cell(fixed(total.busy_share() * 100, 1) + " %") +
           cost_cells(report.prices, report.policies[i].cost) + "</tr>\n";
  }
  out += "</tbody></table>\n";
  if (const std::string note = cost_ratio_note(report); !note.empty()) out += "<p>" + note + "</p>\n";
  return out + prices_paragraph(report.prices);
}

/// The busiest queues, each policy's lateness and cost side by side.
std::string queues(const ReplayReport& report) {
  std::vector<std::size_t> order(report.queues.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  const auto& books = report.policies.front().result.queues;
  std::ranges::sort(order, [&](std::size_t a, std::size_t b) {
    return books[a].messages != books[b].messages ? books[a].messages > books[b].messages : a < b;
  });
  std::string out = "<table class=\"queues\"><thead><tr><th>queue</th><th>messages</th>";
  for (std::size_t i = 0; i < report.policies.size(); ++i)
    out +=
        "<th style=\"color:" + chart_colour(i) + "\">" + chart_escaped(report.policies[i].policy) + "</th>";
  out += "</tr></thead><tbody>\n";
  for (std::size_t n = 0; n < order.size() && n < kQueuesShown; ++n) {
    const std::size_t q = order[n];
    out += "<tr><th>" + chart_escaped(report.queues[q]) + "</th>" + cell(grouped(books[q].messages));
    for (const PolicyResult& policy : report.policies) {
      const QueueLedger& book = policy.result.queues[q];
      out += cell(fixed(book.late_share() * 100, 1) + " % &middot; " +
                  grouped(static_cast<std::uint64_t>(book.instance_seconds())));
    }
    out += "</tr>\n";
  }
  out += "</tbody></table>\n";
  if (order.size() > kQueuesShown)
    out += "<p>The " + std::to_string(kQueuesShown) + " busiest of " + std::to_string(order.size()) +
           " queues; --json has all.</p>\n";
  return out;
}

std::string lost(const ReplayReport& report) {
  if (report.policies.size() < 2) return {};
  const std::vector<LostQueue> list = lost_queues(report);
  const std::string first = chart_escaped(report.policies.front().policy);
  if (list.empty())
    return "<p>On no queue did another policy beat " + first + " in both lateness and cost.</p>\n";
  std::string out = "<p>" + first + " lost on " + std::to_string(list.size()) + " of " +
                    std::to_string(report.queues.size()) +
                    " queues: another policy was no worse in lateness and cost, and clearly better in one. ";
  for (std::size_t i = 0; i < list.size() && i < kQueuesShown; ++i) {
    out += (i > 0 ? ", " : "") + chart_escaped(report.queues[list[i].queue]) + " (to " +
           chart_escaped(report.policies[list[i].policy].policy) + ")";
  }
  return out + (list.size() > kQueuesShown ? ", ...</p>\n" : ".</p>\n");
}

constexpr const char* kStyle = R"(<style>
:root{--ink:#0f172a;--soft:#64748b;--rule:#e2e8f0;--ground:#fff;--goal:#dc2626;
--policy-1:#2563eb;--policy-2:#b45309;--policy-3:#047857;--policy-4:#9333ea;--policy-5:#c2410c;--policy-6:#0e7490;--policy-7:#4d7c0f;--policy-8:#be185d}
@media(prefers-color-scheme:dark){:root{--ink:#e2e8f0;--soft:#94a3b8;--rule:#334155;--ground:#0f172a;--goal:#f87171;
--policy-1:#60a5fa;--policy-2:#fbbf24;--policy-3:#34d399;--policy-4:#c084fc;--policy-5:#fb923c;--policy-6:#22d3ee;--policy-7:#a3e635;--policy-8:#f472b6}}
body{font:15px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--ground);max-width:1000px;margin:2rem auto;padding:0 1rem}
h1{font-size:1.5rem;margin:0}h2{font-size:1.1rem;margin:2rem 0 .5rem}p{color:var(--soft);margin:.3rem 0 .8rem}
svg{width:100%;height:auto;font:12px system-ui,sans-serif}svg text{fill:var(--soft)}svg .label{font-weight:600;font-size:13px;paint-order:stroke;stroke:var(--ground);stroke-width:4px;stroke-linejoin:round}
.grid{stroke:var(--rule)}.axis{stroke:var(--soft)}.goal{stroke:var(--goal);stroke-dasharray:5 4}
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}
th,td{padding:.35rem .6rem;text-align:right;border-bottom:1px solid var(--rule)}th:first-child{text-align:left}td,tbody th{white-space:nowrap}table{font-size:14px}
thead th{color:var(--soft);font-weight:500}.queues{font-size:13px}
.legend b{margin-right:1rem}
</style>)";

}  // namespace

std::string replay_html(const ReplayReport& report) {
  std::string out =
      "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>forewarm replay</title>\n";
  out += "<meta name=\"viewport\" content=\"width=device-width\">\n";
  out += kStyle;
  out += "</head><body>\n<h1>What would have happened</h1>\n<p>" + grouped(report.messages) +
         " messages on " + std::to_string(report.queues.size()) + " queues in " +
         fixed(seconds(report.length) / 3600, 1) + " hours, from " + chart_escaped(report.trace) +
         ". Each policy met the same messages, service times and start times" + " (median " +
         format_duration(report.start_time) + ", seed " + std::to_string(report.seed) +
         ") in a simulation. A message is late when it starts more than " +
         format_duration(report.objective) + " after it was due.</p>\n";
  out += totals(report);
  out += "<h2>Cost against lateness</h2>\n<p>Down and left is better.</p>\n" + pareto(report);
  out += replay_cdfs(report);
  out += "<h2>Over time</h2>\n<p>Red below a panel: late messages.</p>\n" + timeline(report);
  out += "<h2>Queue by queue</h2>\n" + lost(report) + "<p>Late share and instance-seconds.</p>\n" +
         queues(report);
  return out + "</body></html>\n";
}

}  // namespace forewarm
