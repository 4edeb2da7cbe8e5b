#pragma once

#include <string>

#include "edge/observe/json_writer.h"
#include "edge/observe/snapshot.h"
#include "edge/observe/snapshot_history.h"

namespace forewarm {

// Snapshots as the API and the page see them. Times are seconds since 1970, durations seconds.

/// A point in time as seconds since 1970.
double epoch_seconds(TimePoint at);

/// The members that every listing of a queue has.
void write_queue(const QueueSnapshot& queue, JsonWriter& json);
/// Those, forecast, plan with its explanation, and history where there is one.
void write_queue_detail(const QueueSnapshot& queue, const SnapshotHistory::Queue* history, JsonWriter& json);
void write_function(const FunctionSnapshot& function, JsonWriter& json);
/// Totals, process, store and progress.
void write_server(const Snapshot& snapshot, const std::string& version, bool ready, JsonWriter& json);
/// Arrivals per second of the last minute, oldest first, for a small picture.
void write_sparkline(const SnapshotHistory::Queue* history, JsonWriter& json);

}  // namespace forewarm
