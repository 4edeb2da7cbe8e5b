#include "app/signal_config.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "app/config.h"
#include "base/check.h"
#include "edge/signal/cron.h"
#include "edge/signal/json_points.h"
#include "edge/signal/source.h"

namespace forewarm {
namespace {

const std::vector<std::string_view> kSources{"push", "poll", "prometheus", "file", "calendar", "cron"};
const std::vector<std::string_view> kKinds{"level", "count"};
const std::vector<std::string_view> kFormats{"jsonl", "csv"};

/// Empty if `value` is one of `allowed`.
std::string check_word(std::string_view key, const std::string& value,
                       const std::vector<std::string_view>& allowed) {
  if (std::ranges::find(allowed, value) != allowed.end()) return "";
  std::string text = std::string(key) + ": expected one of";
  for (const std::string_view each : allowed) text += " " + std::string(each);
  text += ", found '" + value + "'.";
  const std::string_view meant = nearest_name(value, allowed);
  return meant.empty() ? text : text + " Did you mean " + std::string(meant) + "?";
}

bool is_signal_name(std::string_view text) {
  return !text.empty() && text.size() <= 80 && std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.';
  });
}

std::string check_needed(const SignalConfig& signal) {
  const auto need = [](bool there, std::string_view what) {
    return there ? "" : "needs " + std::string(what);
  };
  if (signal.source == "poll") return need(!signal.url.empty(), "url = \"https://...\"");
  if (signal.source == "prometheus") {
    if (signal.url.empty()) return need(false, "url = \"http://HOST:9090\", the Prometheus server's");
    return need(!signal.query.empty(), "query = \"sum(rate(METRIC[5m]))\"");
  }
  if (signal.source == "file") return need(!signal.path.empty(), "path = \"FILE\"");
  if (signal.source == "calendar") return need(!signal.path.empty(), "path = \"FILE.ics\"");
  if (signal.source == "cron")
    return need(!signal.expression.empty(), "expression = \"30 9 * * 1-5\" (half past nine on working days)");
  return "";
}

std::string check_texts(const SignalConfig& signal) {
  for (const auto& [key, pointer] : {std::pair("items", &signal.items), std::pair("value", &signal.value),
                                     std::pair("time", &signal.time)}) {
    if (const Result<void> right = check_pointer(*pointer); !right)
      return std::string(key) + ": " + right.error().message;
  }
  if (!signal.url.empty() && !signal.url.starts_with("http://") && !signal.url.starts_with("https://"))
    return "url: expected one that begins with http:// or https://, found '" + signal.url.substr(0, 60) + "'";
  for (const auto& [name, value] : signal.headers) {
    if ((name + value).find_first_of("\r\n") != std::string::npos)
      return "headers: '" + name + "' has a line break in it";
  }
  const Result<TimeZone> zone = TimeZone::find(signal.time_zone);
  if (!zone) return "time_zone: " + zone.error().message;
  if (signal.source != "cron") return "";
  const Result<Cron> cron = Cron::parse(signal.expression, *zone);
  return cron ? "" : "expression: " + cron.error().message;
}

Duration every(const SignalConfig& signal, Duration usual) {
  return signal.every > Duration(0) ? signal.every : usual;
}

}  // namespace

std::string check_signal(const std::vector<SignalConfig>& earlier, const SignalConfig& signal) {
  if (!is_signal_name(signal.name)) return "needs a name of letters, digits, -, _ and . (up to 80)";
  const std::string whose = "'" + signal.name + "' ";
  if (std::ranges::find(earlier, signal.name, &SignalConfig::name) != earlier.end())
    return whose + "is defined twice";
  if (earlier.size() >= kSignalsMax)
    return whose + "is one too many: there may be " + std::to_string(kSignalsMax) + " signals";
  for (const std::string& wrong :
       {check_word("source", signal.source, kSources), check_word("kind", signal.kind, kKinds),
        check_word("format", signal.format, kFormats), check_needed(signal)}) {
    if (!wrong.empty()) return whose + wrong;
  }
  if (const std::string wrong = check_texts(signal); !wrong.empty()) return whose + wrong;
  if (!(signal.minimum < signal.maximum)) return whose + "has a minimum that is not below its maximum";
  if (signal.planned() && signal.counts())
    return whose + "is a " + signal.source + ": its kind is level (1 while something goes on)";
  return "";
}

std::unique_ptr<SignalSource> make_signal_source(const SignalConfig& signal, const PlanWindow& window) {
  const PointShape shape{signal.items, signal.value, signal.time};
  const TimeZone zone = TimeZone::find(signal.time_zone).value_or(TimeZone());
  if (signal.source == "poll" || signal.source == "prometheus") {
    PollSourceOptions options;
    options.url = signal.url;
    if (signal.source == "prometheus") options.prometheus_query = signal.query;
    options.shape = shape;
    options.headers.assign(signal.headers.begin(), signal.headers.end());
    options.bearer_token_file = signal.bearer_token_file;
    options.every = every(signal, 1min);
    options.timeout = signal.timeout;
    return make_poll_source(std::move(options));
  }
  if (signal.source == "file") {
    using Format = FileSourceOptions::Format;
    FileSourceOptions options;
    options.path = signal.path;
    options.format = signal.format == "csv" ? Format::Csv : Format::JsonLines;
    options.shape = shape;
    options.time_column = signal.time_column;
    options.value_column = signal.value_column;
    options.every = every(signal, 1s);
    return make_file_source(std::move(options));
  }
  if (signal.source == "calendar") {
    return make_calendar_source({.path = signal.path,
                                 .zone = zone,
                                 .filter = signal.filter,
                                 .length = signal.length,
                                 .every = every(signal, 10s),
                                 .window = window});
  }
  if (signal.source == "cron") {
    Result<std::unique_ptr<SignalSource>> source = make_cron_source(
        {.expression = signal.expression, .zone = zone, .length = signal.length, .window = window});
    check(source.has_value(), "a cron expression was checked with the configuration");
    return std::move(*source);
  }
  return nullptr;
}

}  // namespace forewarm
