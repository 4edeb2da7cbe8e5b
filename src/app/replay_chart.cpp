#include "app/replay_chart.h"

#include <cmath>

#include "app/terminal.h"

namespace forewarm {
namespace {

constexpr std::size_t kChartColours = 8;  // --policy-1 and so on in the page's style

}  // namespace

std::string chart_colour(std::size_t policy) {
  return "var(--policy-" + std::to_string(policy % kChartColours + 1) + ")";
}

std::string chart_escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

std::string chart_number(double value) {
  return fixed(value, 1);
}

std::string chart_text(double x, double y, std::string_view anchor, std::string_view text,
                       std::string_view more) {
  return "<text x=\"" + chart_number(x) + "\" y=\"" + chart_number(y) + "\" text-anchor=\"" +
         std::string(anchor) + "\" " + std::string(more) + ">" + chart_escaped(text) + "</text>\n";
}

std::string chart_line(double x1, double y1, double x2, double y2, std::string_view css) {
  return "<line x1=\"" + chart_number(x1) + "\" y1=\"" + chart_number(y1) + "\" x2=\"" + chart_number(x2) +
         "\" y2=\"" + chart_number(y2) + "\" class=\"" + std::string(css) + "\"/>\n";
}

double chart_tick_step(double most, double parts) {
  if (!(most > 0)) return 1;
  const double raw = most / parts;
  const double power = std::pow(10, std::floor(std::log10(raw)));
  const double lead = raw / power;
  return (lead <= 1 ? 1 : lead <= 2 ? 2 : lead <= 5 ? 5 : 10) * power;
}

std::string chart_short_number(double value) {
  if (value >= 1e6) return fixed(value / 1e6, value < 1e7 ? 1 : 0) + "M";
  if (value >= 1e3) return fixed(value / 1e3, value < 1e4 ? 1 : 0) + "k";
  return fixed(value, value < 10 && value != std::floor(value) ? 1 : 0);
}

}  // namespace forewarm
