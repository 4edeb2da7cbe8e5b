#pragma once

#include <memory>
#include <stop_token>
#include <vector>

#include "app/control_config.h"
#include "base/result.h"
#include "core/watch/watched_queue.h"
#include "edge/cloud/message_source.h"

namespace forewarm {

/// In the order of time; none: nothing new since the last.
using QueueReadings = std::vector<QueueReading>;

/// Reads what metrics say of a queue. Waits for the other side; used by one thread.
class QueueReader {
 public:
  virtual ~QueueReader() = default;
  /// Readings that say how much waits or has come; or why there are none. Half of what was asked for is
  /// none: what is missing would be taken for nothing.
  virtual Result<QueueReadings> read(const std::stop_token& stop) = 0;
};

/// One instant query for each number (Prometheus HTTP API v1). What waits, is in flight, came and is done
/// must all be answered where it is asked for; the oldest's wait and what is ready may be missing.
std::unique_ptr<QueueReader> make_prometheus_reader(const ControlMetrics& metrics);
/// Asks the engine itself how much it holds; borrows nothing.
std::unique_ptr<QueueReader> make_source_reader(std::unique_ptr<MessageSource> source, Duration timeout);
/// As the configuration says: one of these, or by the metrics of a cloud. Invalid for a source's URL that no
/// engine has, and for a cloud that lacks what it needs.
Result<std::unique_ptr<QueueReader>> make_queue_reader(const ControlConfig& control);

}  // namespace forewarm
