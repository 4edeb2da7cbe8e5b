#include "app/override_config.h"

#include <algorithm>
#include <optional>

#include "base/check.h"
#include "base/time_text.h"
#include "edge/signal/cron.h"

namespace forewarm {
namespace {

constexpr Duration kAhead = 48h;
constexpr std::size_t kFiringsMax = 16'384;  ///< of an override: nine days of every minute's
constexpr std::size_t kWindowsMax = 256;     ///< of an override; every minute's are enough for hours

std::string check_window(const OverrideConfig& config) {
  const Result<TimePoint> from = parse_time(config.from);
  if (!from) return "from: " + from.error().message;
  const Result<TimePoint> until = parse_time(config.until);
  if (!until) return "until: " + until.error().message;
  return *from < *until ? "" : "has an until that is not after its from";
}

std::string check_cron(const OverrideConfig& config) {
  const Result<TimeZone> zone = TimeZone::find(config.time_zone);
  if (!zone) return "time_zone: " + zone.error().message;
  const Result<Cron> cron = Cron::parse(config.cron, *zone);
  if (!cron) return "cron: " + cron.error().message;
  return config.length > Duration(0) ? "" : "needs for = \"2h\", how long each of cron's windows lasts";
}

/// Those that touch or overlap are one: an override counts once at a time.
std::vector<Occurrence> joined(std::vector<Occurrence> spans) {
  std::ranges::sort(spans, {}, &Occurrence::begin);
  std::vector<Occurrence> out;
  for (const Occurrence& span : spans) {
    if (!out.empty() && span.begin <= out.back().end)
      out.back().end = std::max(out.back().end, span.end);
    else
      out.push_back(span);
  }
  return out;
}

std::vector<Occurrence> spans_of(const OverrideConfig& config, TimePoint now) {
  if (config.cron.empty()) return {{*parse_time(config.from), *parse_time(config.until)}};
  const Result<Cron> cron = Cron::parse(config.cron, TimeZone::find(config.time_zone).value_or(TimeZone()));
  check(cron.has_value(), "a cron expression was checked with the configuration");
  return joined(cron->spans(now - config.length, now + kAhead, config.length, kFiringsMax));
}

std::optional<std::uint32_t> said(std::int64_t instances) {
  if (instances < 0) return std::nullopt;
  return static_cast<std::uint32_t>(instances);
}

}  // namespace

std::string check_override(const OverrideConfig& config) {
  const bool once = !config.from.empty() || !config.until.empty();
  if (once == !config.cron.empty()) return "needs either from and until, or cron and for";
  if (once && config.length > Duration(0)) return "has a for, which goes with cron; until says when it ends";
  std::string wrong = once ? check_window(config) : check_cron(config);
  if (!wrong.empty()) return wrong;
  const int kinds = int{config.at_least >= 0} + int{config.at_most >= 0} + int{config.factor != 1};
  return kinds == 1 ? "" : "needs exactly one of at_least, at_most and factor (other than 1)";
}

std::vector<ScalingOverride> override_windows(const std::vector<OverrideConfig>& configs, TimePoint now) {
  std::vector<ScalingOverride> windows;
  for (const OverrideConfig& config : configs) {
    std::size_t left = kWindowsMax;
    for (const Occurrence& span : spans_of(config, now)) {
      if (span.end <= now) continue;
      if (left-- == 0) break;
      windows.push_back({.from = span.begin,
                         .until = span.end,
                         .at_least = said(config.at_least),
                         .at_most = said(config.at_most),
                         .factor = config.factor});
    }
  }
  std::ranges::stable_sort(windows, {}, &ScalingOverride::from);
  return windows;
}

}  // namespace forewarm
