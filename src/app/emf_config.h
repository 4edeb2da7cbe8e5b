#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"

namespace forewarm {

class FieldVisitor;

/// [emf]: where metrics are written for CloudWatch.
struct EmfConfig {
  std::string path;  ///< empty: nowhere; "-": standard output
  Duration every = 1min;
  std::string space = "forewarm";
  std::map<std::string, std::string> dimensions;
  std::vector<std::string> metrics = {"forewarm_messages_arrived_total",
                                      "forewarm_messages_started_total",
                                      "forewarm_messages_late_total",
                                      "forewarm_messages_moved_total",
                                      "forewarm_queue_messages",
                                      "forewarm_queue_oldest_wait_seconds",
                                      "forewarm_runs_total",
                                      "forewarm_instances",
                                      "forewarm_plan_instances",
                                      "forewarm_store_full"};

  friend bool operator==(const EmfConfig&, const EmfConfig&) = default;
};

void describe(FieldVisitor& visitor, EmfConfig& config);
/// Invalid with what is expected.
Result<void> check_emf(const EmfConfig& config);

}  // namespace forewarm
