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

/// lambda: cold median 448 ms, p99 1.5 times that (STeLLAR, IISWC 2021, AWS). functions: LogNormal mu .296,
/// sigma 1.326 (Huawei Cloud, EuroSys 2025). pod: 5 to 60 s, an assumption: median 15 s, sigma 0.5. model:
/// median 21 s, 95 % at 44.9 s (loading a base model, Alibaba GenTD26).
std::vector<StartModel> start_models();

/// KEDA's HPA with the `behavior` that its users set against swings: the yardstick for direction changes, and
/// one of the grid.
inline constexpr const char* kHpaPolicy = "keda:max=2000,target=1,behavior=yes,stabilisation=60s";

/// Other autoscalers, each with several settings.
std::vector<std::string> baselines();

/// What is asked for, each late share at each slack.
inline constexpr Duration kSlacks[] = {Duration(0), Duration(500ms), Duration(5s)};
inline constexpr double kLateShares[] = {0.001, 0.01, 0.05};

}  // namespace forewarm::bench
