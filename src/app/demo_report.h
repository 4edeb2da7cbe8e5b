#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "app/replay.h"
#include "base/time.h"
#include "edge/trace/trace.h"
#include "sim/ledger.h"

namespace forewarm {

/// What a live demo came to.
struct DemoResult {
  std::vector<QueueLedger> queues;  ///< in the order of the trace's queues, over the time of `played`
  Trace played;                     ///< the messages as they came, with the times that they took
  MeasuredWorld world;
  std::uint64_t cold_starts_avoided = 0;
  std::uint64_t sent = 0;
  std::uint64_t refused = 0;
  std::uint64_t handled = 0;        ///< of those that were sent, by what the functions say
  std::uint64_t handled_again = 0;  ///< times that one was handled once more
  bool interrupted = false;
};

struct DemoSettings {
  std::uint64_t seed = 1;
  Duration objective = 100ms;
  double late_share_max = 0.05;
};

/// The live run, and the same messages in simulated time with the settings and the times that were measured
/// there, under forewarm's policy, a reactive one and a keep-alive.
struct DemoComparison {
  QueueLedger live;
  ReplayReport replays;
};
Result<DemoComparison> compare_demo(const DemoResult& live, const DemoSettings& settings);

/// For people, with what prediction changed queue by queue.
std::string demo_report(const DemoComparison& comparison, const DemoResult& live,
                        const DemoSettings& settings);
/// The table's figures for programs: one JSON object.
std::string demo_json(const DemoComparison& comparison, const DemoResult& live);

}  // namespace forewarm
