#pragma once

#include <string_view>

#include "base/result.h"
#include "base/time.h"

namespace forewarm {

/// RFC 3339 with any offset, or seconds since the epoch. Invalid with what was expected otherwise.
Result<TimePoint> parse_time(std::string_view text);

}  // namespace forewarm
