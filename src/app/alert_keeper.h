#pragma once

#include <functional>
#include <string>

#include "app/alert_service.h"
#include "app/history_keeper.h"
#include "base/time.h"
#include "edge/net/loop.h"

namespace forewarm {

/// Has what alerting is to know after a restart written into the history database, by the keeper's thread.
std::function<void(std::string)> keep_alerts_in(HistoryKeeper& keeper, std::function<TimePoint()> now);
/// Reads what was written last, by this program or another that shares the database. `anew`: each time, and
/// not the first time alone.
std::function<bool(AlertService::Server::Recalled)> recall_alerts_of(HistoryKeeper& keeper, Loop& loop,
                                                                     bool anew);

}  // namespace forewarm
