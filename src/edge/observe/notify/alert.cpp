#include "edge/observe/notify/alert.h"

#include <algorithm>
#include <cstdio>

namespace forewarm {
namespace {

std::string four_digits(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.4g", value);
  return text;
}

}  // namespace

AlertLabels alert_labels(const Alert& alert, const std::string& instance) {
  AlertLabels labels = {{"alertname", std::string(alert.rule->name)},
                        {"instance", instance},
                        {"severity", std::string(word(alert.rule->severity))}};
  for (std::size_t i = 0; i < alert.subject.size(); ++i)
    labels.emplace_back(std::string(alert.rule->by[i]), alert.subject[i]);
  std::ranges::sort(labels);
  return labels;
}

std::string alert_text(const Alert& alert, std::string_view text) {
  std::string out;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const std::size_t end = text[at] == '{' ? text.find('}', at) : std::string_view::npos;
    if (end == std::string_view::npos) {
      out += text[at];
      continue;
    }
    const std::string_view name = text.substr(at + 1, end - at - 1);
    const auto label = std::ranges::find(alert.rule->by, name);
    if (name == "value")
      out += four_digits(alert.value);
    else if (name == "percent")
      out += four_digits(alert.value * 100) + "%";
    else if (label != alert.rule->by.end())
      out += alert.subject[static_cast<std::size_t>(label - alert.rule->by.begin())];
    at = end;
  }
  return out;
}

std::string fingerprint(const AlertLabels& labels) {
  std::uint64_t hash = 14695981039346656037ULL;
  const auto add = [&hash](unsigned char byte) { hash = (hash ^ byte) * 1099511628211ULL; };
  for (const auto& [name, value] : labels) {
    for (const std::string* text : {&name, &value}) {
      for (const char c : *text) add(static_cast<unsigned char>(c));
      add(0xff);
    }
  }
  char text[17];
  std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(hash));
  return text;
}

}  // namespace forewarm
