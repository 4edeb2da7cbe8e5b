#pragma once

#include <string>
#include <vector>

#include "core/model/demand.h"
#include "edge/history/history_database.h"

namespace forewarm {

/// Whose messages are asked about.
struct WorkQuestion {
  std::string queue;
  std::string function;                      ///< that the queue is mapped to; empty: none
  std::vector<std::string> function_queues;  ///< all queues that are mapped to it
  std::uint32_t messages_per_instance = 1;
};

/// What a queue's messages were measured to cost before `until`: over the last day, or over the last month if
/// nothing ran in that day. An error is the database's.
Result<WorkProfile> read_work_profile(HistoryDatabase& history, const WorkQuestion& question,
                                      TimePoint until);

}  // namespace forewarm
