#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "app/control_config.h"
#include "app/history_commands.h"
#include "edge/history/history_database.h"

namespace forewarm {

struct OpenedHistory {
  std::unique_ptr<HistoryDatabase> database;
  std::string data;  ///< the folder; of a shared one its place
};

/// The history of the data folder that the command, its configuration or the environment names, or the shared
/// one that a configuration of control names. NotFound if there is none and `create` is false.
Result<OpenedHistory> open_history(const HistoryCommand& command, bool create);

/// Where control keeps its history; a shared one answers within `timeout`.
HistoryDatabase::Options control_history(const ControlFile& config, std::chrono::milliseconds timeout);

TimePoint wall_time();

}  // namespace forewarm
