#include "app/replay_cdf.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <vector>

#include "app/replay_chart.h"
#include "app/terminal.h"

namespace forewarm {
namespace {

constexpr std::size_t kQueuesLeast = 4;
constexpr double kCdfTop = 16, kCdfHeight = 220, kCdfBottom = kCdfTop + kCdfHeight;
constexpr double kCdfGap = 64;  // between the pictures: room for the second one's labels
constexpr int kDecadesMost = 6;

/// A logarithmic axis over whole decades; what is below it is at its left end.
struct DecadeAxis {
  double left = 0;
  double width = 0;
  int from = 0;  ///< power of ten
  int to = 1;

  double x(double value) const {
    if (!(value > 0)) return left;
    const double share = (std::log10(value) - from) / (to - from);
    return left + std::clamp(share, 0.0, 1.0) * width;
  }
};

DecadeAxis axis_over(const std::vector<std::vector<double>>& values, double left, double width) {
  double least = 0, most = 0;
  for (const auto& list : values) {
    for (const double value : list) {
      if (value > 0) least = least > 0 ? std::min(least, value) : value;
      most = std::max(most, value);
    }
  }
  DecadeAxis axis{.left = left, .width = width};
  if (!(most > 0)) return axis;
  axis.to = static_cast<int>(std::ceil(std::log10(most) - 1e-9));
  axis.from = std::max(axis.to - kDecadesMost, static_cast<int>(std::floor(std::log10(least))));
  axis.from = std::min(axis.from, axis.to - 1);
  return axis;
}

double cdf_y(double share) {
  return kCdfBottom - share * kCdfHeight;
}

/// The steps of the share of values that are at most x.
std::string cdf_curve(const DecadeAxis& axis, std::vector<double> values, std::size_t policy) {
  std::ranges::sort(values);
  const auto count = static_cast<double>(values.size());
  std::string path = "M" + chart_number(axis.left) + " " + chart_number(cdf_y(0));
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (i + 1 < values.size() && values[i + 1] == values[i]) continue;
    path += "H" + chart_number(axis.x(values[i]));
    path += "V" + chart_number(cdf_y(static_cast<double>(i + 1) / count));
  }
  path += "H" + chart_number(axis.left + axis.width);
  return "<path d=\"" + path + "\" style=\"fill:none;stroke-width:2;stroke:" + chart_colour(policy) +
         "\"/>\n";
}

std::string cdf_frame(const DecadeAxis& axis, const std::string& title,
                      const std::function<std::string(double)>& label) {
  std::string out;
  for (int percent = 0; percent <= 100; percent += 25) {
    const double y = cdf_y(percent / 100.0);
    out += chart_line(axis.left, y, axis.left + axis.width, y, percent == 0 ? "axis" : "grid");
    out += chart_text(axis.left - 8, y + 4, "end", std::to_string(percent) + " %");
  }
  for (int decade = axis.from; decade <= axis.to; ++decade) {
    const double value = std::pow(10, decade), x = axis.x(value);
    out += chart_line(x, kCdfTop, x, kCdfBottom, "grid");
    const bool end = decade == axis.from;
    out += chart_text(x, kCdfBottom + 18, "middle", (end ? "≤ " : "") + label(value));
  }
  return out + chart_text(axis.left + axis.width / 2, kCdfBottom + 40, "middle", title);
}

std::string late_label(double share) {
  const double percent = share * 100;
  const int digits = std::max(0, -static_cast<int>(std::floor(std::log10(percent) + 1e-9)));
  return fixed(percent, digits) + " %";
}

std::string policy_legend(const ReplayReport& report) {
  std::string out = "<p class=\"legend\">";
  for (std::size_t i = 0; i < report.policies.size(); ++i)
    out += "<b style=\"color:" + chart_colour(i) + "\">" + chart_escaped(report.policies[i].policy) + "</b> ";
  return out + "</p>\n";
}

}  // namespace

std::string replay_cdfs(const ReplayReport& report) {
  std::vector<std::vector<double>> late, cost;
  for (const PolicyResult& policy : report.policies) {
    late.emplace_back();
    cost.emplace_back();
    for (const QueueLedger& book : policy.result.queues) {
      if (book.messages == 0) continue;
      late.back().push_back(book.late_share());
      cost.back().push_back(book.instance_seconds());
    }
  }
  if (late.empty() || late.front().size() < kQueuesLeast) return {};
  const double width = (kChartWidth - kChartLeft - kChartRight - kCdfGap) / 2;
  const DecadeAxis late_axis = axis_over(late, kChartLeft, width);
  const DecadeAxis cost_axis = axis_over(cost, kChartLeft + width + kCdfGap, width);

  std::string out = "<h2>From queue to queue</h2>\n<p>Share of the " + std::to_string(late.front().size()) +
                    " queues with at most so much. Up and left is better.</p>\n" + policy_legend(report);
  out += "<svg viewBox=\"0 0 960 " + chart_number(kCdfBottom + 48) +
         "\" role=\"img\" aria-label=\"late share and instance-seconds over queues\">\n";
  out += cdf_frame(late_axis, "late share of a queue", late_label);
  out += cdf_frame(cost_axis, "instance-seconds of a queue", chart_short_number);
  const double objective = late_axis.x(report.late_share_max);
  out += chart_line(objective, kCdfTop, objective, kCdfBottom, "goal");
  out += chart_text(objective, kCdfTop - 5, "start", "objective");
  // The first policy is drawn last, over the others.
  for (std::size_t i = report.policies.size(); i-- > 0;) {
    out += cdf_curve(late_axis, late[i], i);
    out += cdf_curve(cost_axis, cost[i], i);
  }
  return out + "</svg>\n";
}

}  // namespace forewarm
