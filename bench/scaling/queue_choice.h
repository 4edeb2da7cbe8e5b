#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"

namespace forewarm::bench {

/// Which queues of a trace stand for all.
struct QueueChoice {
  std::vector<std::string> queues;
  std::vector<std::string> left_out;  ///< with more messages than could be run so often
};

/// The messages of one queue that hundreds of runs can bear.
inline constexpr std::uint64_t kQueueMessagesMax = 2'000'000;

/// Every so-manieth of the queues by volume, `most` in all. Queues whose counts are no whole numbers are
/// gauges, and queues above `messages_max` are left out. `path`: as read_trace's, and so
/// are the errors.
Result<QueueChoice> choose_queues(const std::string& path, std::size_t most,
                                  std::uint64_t messages_max = kQueueMessagesMax);

}  // namespace forewarm::bench
