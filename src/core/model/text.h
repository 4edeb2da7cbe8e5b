#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "core/model/action.h"
#include "core/model/event.h"
#include "core/model/watch_memory.h"

namespace forewarm {

// One line a thing: the format of golden traces, of recordings (serve --record) and of the byte-for-byte
// comparisons. Written down in docs/formats/recording.md. Floats are printed so that they read back to the
// same bits.

/// Appends "<µs> <event-name> field=value ..." and a newline.
void write_text(const TimedEvent& event, std::string& out);
/// Appends "  <action-name> field=value ..." and a newline; actions follow the event that caused them.
void write_text(const Action& action, std::string& out);
/// Reads what write_text wrote for an event. Invalid with the column and what was expected otherwise.
Result<TimedEvent> read_event(std::string_view line);

/// The same line of what was learnt of a watched queue, though it is no event.
void write_text(TimePoint time, const WatchRestored& it, std::string& out);
Result<WatchRestored> read_watch(std::string_view line);

}  // namespace forewarm
