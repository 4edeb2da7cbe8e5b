#pragma once

#include <chrono>
#include <string>

#include "base/time.h"

namespace forewarm {

/// "2026-03-01T14:02:10.250Z" (RFC 3339, UTC, milliseconds).
std::string utc_text(std::chrono::system_clock::time_point at);
std::string utc_text(TimePoint at);
/// "14:02:10.250" in the local time zone, for people at a terminal.
std::string local_clock_text(std::chrono::system_clock::time_point at);

/// "1.2 s", "350 ms", "4 min 10 s", "2 h 5 min": the two largest units that matter.
std::string duration_text(Duration duration);

}  // namespace forewarm
