#include "edge/cloud/servicebus/session_attach.h"

#include <string_view>

#include "edge/cloud/servicebus/bus_data.h"

namespace forewarm {
namespace {

constexpr std::string_view kSessionFilter = "com.microsoft:session-filter";
constexpr std::string_view kLockedUntil = "com.microsoft:locked-until-utc";
constexpr std::string_view kWaitAtMost = "com.microsoft:timeout";
constexpr std::int64_t kTicksAtEpoch = 621'355'968'000'000'000;
constexpr std::int64_t kTicksMost = 3'155'378'975'999'999'999;  // the last of the year 9999

/// A filter's value, or one with its type before it: clients and services write both.
std::optional<std::string> filter_text(pn_data_t* value) {
  if (pn_data_type(value) != PN_DESCRIBED) return data_text(value);
  std::optional<std::string> text;
  if (!pn_data_enter(value)) return text;
  pn_data_next(value);  // its type
  if (pn_data_next(value)) text = data_text(value);
  pn_data_exit(value);
  return text;
}

}  // namespace

void ask_for_any_session(pn_data_t* filter, pn_data_t* properties, std::chrono::milliseconds wait) {
  pn_data_put_map(filter);
  pn_data_enter(filter);
  put_symbol(filter, kSessionFilter);
  pn_data_put_null(filter);
  pn_data_exit(filter);
  pn_data_put_map(properties);
  pn_data_enter(properties);
  put_symbol(properties, kWaitAtMost);
  pn_data_put_uint(properties, static_cast<std::uint32_t>(wait.count()));
  pn_data_exit(properties);
}

std::optional<std::string> session_in_filter(pn_data_t* filter) {
  std::optional<std::string> session;
  for_each_entry(filter, [&session](std::string_view name, pn_data_t* value) {
    if (name == kSessionFilter) session = filter_text(value);
  });
  return session;
}

std::optional<TimePoint> session_locked_until(pn_data_t* properties) {
  std::optional<TimePoint> until;
  for_each_entry(properties, [&until](std::string_view name, pn_data_t* value) {
    if (name != kLockedUntil) return;
    const auto ticks = data_whole_number(value);
    until = ticks ? time_of_ticks(*ticks) : data_time(value);
  });
  return until;
}

std::optional<TimePoint> time_of_ticks(std::int64_t ticks) {
  if (ticks < kTicksAtEpoch || ticks > kTicksMost) return std::nullopt;
  return TimePoint(std::chrono::microseconds((ticks - kTicksAtEpoch) / 10));
}

}  // namespace forewarm
