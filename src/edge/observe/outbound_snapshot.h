#pragma once

#include <cstdint>
#include <string>

namespace forewarm {

/// What became of the messages to one receiver of alerts.
struct ReceiverSnapshot {
  std::string name;
  std::uint64_t delivered = 0;
  std::uint64_t failed = 0;   ///< sent again soon
  std::uint64_t refused = 0;  ///< sent again after a while
};

/// What became of one kind of telemetry that is sent by OTLP.
struct TelemetrySnapshot {
  std::string kind;  ///< spans, points
  std::uint64_t sent = 0;
  std::uint64_t rejected = 0;
  std::uint64_t dropped = 0;
};

}  // namespace forewarm
