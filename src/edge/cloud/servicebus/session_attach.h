#pragma once

#include <proton/codec.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "base/time.h"

namespace forewarm {

/// What a link says when it attaches to a queue with sessions (Azure, "AMQP 1.0 protocol guide", and the
/// names that Microsoft's SDKs send): any session that nobody holds and that has messages. The service waits
/// so long for one before it refuses the link with com.microsoft:timeout.
void ask_for_any_session(pn_data_t* filter, pn_data_t* properties, std::chrono::milliseconds wait);

/// The session that the service's attach names in its source's filter; it may have an empty name. Nothing if
/// it names none: then there is none.
std::optional<std::string> session_in_filter(pn_data_t* filter);

/// Until when it is ours, by the service's clock, of the properties of the service's attach.
std::optional<TimePoint> session_locked_until(pn_data_t* properties);

/// .NET counts tenths of microseconds since the year 1. Nothing for what is before 1970 or after 9999.
std::optional<TimePoint> time_of_ticks(std::int64_t ticks);

}  // namespace forewarm
