#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/time.h"
#include "edge/trace/trace.h"
#include "sim/ledger.h"

namespace forewarm {

/// What a live demo came to.
struct DemoResult {
  std::vector<QueueLedger> queues;    ///< in the order of the trace's queues
  Duration start_time = Duration(0);  ///< measured mean, the slowest function's
  std::uint64_t cold_starts_avoided = 0;
  std::uint64_t sent = 0;
  std::uint64_t refused = 0;
  bool interrupted = false;
};

struct DemoSettings {
  std::uint64_t seed = 1;
  Duration objective = 100ms;
  double late_share_max = 0.05;
  Duration step = 500ms;
};

/// The plain report: the live run beside replays of the same compressed trace with the start time that was
/// measured, under forewarm's policy and under a reactive one, each labelled; and the queues on which
/// prediction lost.
std::string demo_report(const Trace& trace, const DemoResult& live, const DemoSettings& settings);

}  // namespace forewarm
