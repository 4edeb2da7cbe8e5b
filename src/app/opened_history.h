#pragma once

#include <memory>
#include <string>

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

TimePoint wall_time();

}  // namespace forewarm
