#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/time.h"
#include "core/model/settings.h"

namespace forewarm {

/// One [[mapping.override]]: a window of time, once or by a cron expression, and what is to be in it.
struct OverrideConfig {
  std::string from;               ///< RFC 3339
  std::string until;              ///< RFC 3339
  std::string cron;               ///< instead of the two
  std::string time_zone = "UTC";  ///< of cron
  Duration length = Duration(0);  ///< of cron's windows
  std::int64_t at_least = -1;     ///< instances; -1: not said
  std::int64_t at_most = -1;      ///< instances; -1: not said
  double factor = 1;              ///< 1: not said

  friend bool operator==(const OverrideConfig&, const OverrideConfig&) = default;
};

/// Each costs a look at every plan.
inline constexpr std::size_t kOverridesMax = 32;
/// After this long the windows of cron expressions are to be told anew.
inline constexpr Duration kWindowsHold = 1h;

/// What is wrong with it: a sentence that goes on from "[[mapping.override]] ". Empty if nothing is.
std::string check_override(const OverrideConfig& config);
/// The windows of overrides that passed check_override() and are not over at `now`, by `from`: those of cron
/// expressions for two days ahead.
std::vector<ScalingOverride> override_windows(const std::vector<OverrideConfig>& configs, TimePoint now);

}  // namespace forewarm
