#pragma once

#include <chrono>
#include <memory>

#include "app/control_config.h"
#include "app/control_state.h"
#include "app/history_keeper.h"
#include "edge/history/history_database.h"
#include "edge/net/loop.h"

namespace forewarm {

/// Where control keeps its history; a shared one answers within `timeout`.
HistoryDatabase::Options control_history(const ControlFile& config, std::chrono::milliseconds timeout);

/// What a running control found at its targets, in the folder or where `keeper` keeps the history.
Result<std::unique_ptr<ControlState>> open_control_state(const ControlFile& config, HistoryKeeper& keeper,
                                                         Loop& loop);

}  // namespace forewarm
