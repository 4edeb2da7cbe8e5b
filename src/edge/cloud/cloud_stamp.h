#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/time.h"

namespace forewarm {

/// "2026-01-05T01:30:00Z"
std::string cloud_stamp(TimePoint at);
/// The same, with or without a fraction; none for anything else.
std::optional<TimePoint> parse_cloud_stamp(std::string_view text);

}  // namespace forewarm
