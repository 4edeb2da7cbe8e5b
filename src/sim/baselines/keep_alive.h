#pragma once

#include <cstdint>
#include <memory>

#include "core/scale/scaler.h"

namespace forewarm {

/// A function platform's rule: a message that finds no idle instance starts one of its own, and an idle
/// instance is kept for a fixed time. The time is undocumented for AWS Lambda; papers and observers use 10
/// minutes, and OpenWhisk's configuration says so (application.conf, idle-container 10 minutes; Shahrad et
/// al., ATC 2020).
struct KeepAliveOptions {
  Duration idle = 10min;
  std::uint32_t max = 1000;  ///< AWS Lambda's default account concurrency
  /// Ski rental (Karlin et al. 1988): kept as long as its idle time costs what starting it again would, the
  /// measured start time and `cold_start` for the wait of its message. `idle` does not count then.
  bool ski_rental = false;
  Duration cold_start = 0s;
};

/// Never more than options.max and the function and the machine allow. Predicts nothing.
std::unique_ptr<Scaler> make_keep_alive_scaler(const KeepAliveOptions& options);

}  // namespace forewarm
