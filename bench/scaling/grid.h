#pragma once

#include <string>
#include <vector>

#include "scaling/lab.h"

namespace forewarm::bench {

/// A recorded trace under the folder of traces, with the step that its length can bear.
struct TraceFile {
  std::string folder, file;
  Duration step;
};
const std::vector<TraceFile>& trace_files();

/// KEDA's HPA with the `behavior` that its users set against swings: the yardstick for direction changes, and
/// one of the grid.
inline constexpr const char* kHpaPolicy = "keda:max=2000,target=1,behavior=yes,stabilisation=60s";

/// Other autoscalers, each with several settings.
std::vector<std::string> baselines();

/// What is asked for, each late share at each slack.
inline constexpr Duration kSlacks[] = {Duration(0), Duration(500ms), Duration(5s)};
inline constexpr double kLateShares[] = {0.001, 0.01, 0.05};

}  // namespace forewarm::bench
