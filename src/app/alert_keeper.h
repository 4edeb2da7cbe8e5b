#pragma once

#include <functional>
#include <memory>
#include <string>

#include "app/history_keeper.h"
#include "base/time.h"
#include "edge/net/loop.h"

namespace forewarm {

class AlertService;

/// Has what alerting is to know after a restart written into the history database, by the keeper's thread.
std::function<void(std::string)> keep_alerts_in(HistoryKeeper& keeper, std::function<TimePoint()> now);
/// Gives alerting what was written last, by this program or another that shares the database, as soon as it
/// is read; until then nobody is told of anything. Everything outlives the loop's tasks but what is in
/// `alerts`, which may be gone by then.
void fetch_kept_alerts(HistoryKeeper& keeper, Loop& loop, const std::unique_ptr<AlertService>& alerts);

}  // namespace forewarm
