#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"

namespace forewarm {

/// What to do to an SQS endpoint, and for how long.
struct LoadOptions {
  std::string endpoint = "http://127.0.0.1:9324";
  std::string queue = "bench";
  double seconds = 5;
  double rate = 0;               ///< messages a second, open loop; 0: as fast as the connections allow
  std::size_t connections = 16;  ///< for sending, and as many for receiving
  std::size_t batch = 1;         ///< messages per request, sending and receiving
  std::size_t bytes = 1024;
  bool consume = true;  ///< receive and delete what was sent; false: a function does
};

struct LoadResult {
  std::uint64_t sent = 0;
  std::uint64_t received = 0;
  std::uint64_t deleted = 0;
  std::uint64_t failed = 0;
  std::uint64_t duplicates = 0;
  std::string first_error;
  double elapsed_seconds = 0;               ///< first send to the last delete (or send) acknowledged
  std::vector<std::int64_t> confirm_us;     ///< scheduled send time to the durable acknowledgement, sorted
  std::vector<std::int64_t> end_to_end_us;  ///< scheduled send time to receipt, sorted
};

/// Runs the load from this process. Send times follow the schedule, not the answers, so a stall of the server
/// shows in the latencies (no coordinated omission). `progress` is called about ten times a second with the
/// share done, 0..1.
Result<LoadResult> run_load(const LoadOptions& options, const std::function<void(double)>& progress);

/// A quantile of sorted values; 0 if there are none.
std::int64_t sorted_quantile(const std::vector<std::int64_t>& sorted, double level);

}  // namespace forewarm
