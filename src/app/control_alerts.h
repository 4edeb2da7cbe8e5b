#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "app/alert_service.h"
#include "app/control_config.h"
#include "app/control_lead.h"
#include "app/history_keeper.h"
#include "edge/net/http.h"
#include "edge/observe/control_metrics.h"

namespace forewarm {

/// What the alerts of `forewarm control` are about. Everything outlives them.
struct ControlWatched {
  Loop* loop = nullptr;
  Log* log = nullptr;
  std::function<TimePoint()> now{};
  std::function<std::vector<ControlSample>()> samples{};
  std::function<Endpoint()> admin{};
  const ControlLead* lead = nullptr;
  HistoryKeeper* history = nullptr;
};
std::unique_ptr<AlertService> make_control_alerts(const ControlWatched& watched, const ControlFile& config);

}  // namespace forewarm
