#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "edge/observe/notify/alert_evaluator.h"
#include "edge/observe/notify/notification_schedule.h"

namespace forewarm {

/// What alerting has to know after a restart: which alerts fired, what each receiver was told, and what grew
/// within the windows of those that hold, whose counters begin at 0 again.
struct AlertMemory {
  std::vector<Alert> firing{};
  std::map<std::string, NotificationSchedule::Memory> receivers{};  ///< by name and kind
  std::vector<AlertGrowth> growths{};

  friend bool operator==(const AlertMemory&, const AlertMemory&) = default;
};

/// Of what follows; another one is not read.
inline constexpr int kAlertMemoryVersion = 1;

/// As JSON.
std::string alert_memory_text(const AlertMemory& memory);
/// Invalid, with what was expected, for what is no such text. An alert that there is none of any more, or
/// that has other subjects by now, is left out.
Result<AlertMemory> parse_alert_memory(std::string_view text);

}  // namespace forewarm
