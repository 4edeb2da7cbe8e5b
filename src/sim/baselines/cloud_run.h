#pragma once

#include <cstdint>
#include <memory>

#include "core/scale/scaler.h"

namespace forewarm {

/// Google Cloud Run by concurrency: instances for the mean of the last minute at a target of 60 %, one more
/// at once for each request that finds none free, idle ones kept for up to 15 minutes.
///
/// Source: Cloud Run documentation, "About instance autoscaling" (2025). The processor-time driver has
/// nothing to go by here: one message at a time takes what it takes.
struct CloudRunOptions {
  double concurrency = 1;    ///< requests of one instance at a time
  double utilisation = 0.6;  ///< concurrency target
  Duration window = 60s;
  Duration idle = 15min;
  std::uint32_t min = 0;
  std::uint32_t max = 1000;
};

std::unique_ptr<Scaler> make_cloud_run_scaler(const CloudRunOptions& options);

}  // namespace forewarm
