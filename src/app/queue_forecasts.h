#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "app/fit_worker.h"
#include "app/forecast_signals.h"
#include "app/queue_arrivals.h"
#include "base/result.h"
#include "core/model/demand.h"
#include "core/model/forecast.h"
#include "edge/observe/routes.h"

namespace forewarm {

/// What shall be forecast: from `at` on, or from now on.
struct ForecastQuery {
  Duration horizon = Duration(0);
  std::optional<TimePoint> at = {};
};

/// The fit that answers a query: what was known at that time, in steps so coarse that the horizon has at most
/// 96 of them. Steps are counted back from the end of what was known, so that none is half full. Invalid,
/// with what to change, when the history does not reach as far back as the horizon reaches ahead.
Result<FitRequest> forecast_request(const QueueArrivals& arrivals, const ForecastQuery& query);

/// The admin API's forecasts over any horizon, made when asked for: /v1/queues/{name}/forecast and, for
/// whoever wants to make others, /v1/queues/{name}/arrivals.
///
/// The core forecasts as far as its decisions need, on its own grid. These look hours ahead, so they have a
/// coarser grid and a worker process of their own: no reader delays a fit that decisions wait for.
class QueueForecasts {
 public:
  struct Sources {
    /// What a queue has seen; nothing for a queue that does not exist.
    std::function<std::optional<QueueArrivals>(std::string_view queue)> arrivals;
    /// What its forecast needs; `before` has the arrivals of the steps before it. Calls `done` once, later.
    std::function<void(std::string_view queue, Forecast forecast, std::vector<float> before,
                       std::function<void(DemandForecast)> done)>
        demand;
    SignalService* signals = nullptr;
    ForecastSignals::Told told;
  };
  QueueForecasts(Loop& loop, Routes& routes, Sources sources);

 private:
  using Reply = std::shared_ptr<HttpReply>;
  struct Waiting {
    std::string queue;
    QueueArrivals arrivals;
    FitRequest request;
    Reply reply;
    std::map<SignalId, std::string> signals;  ///< names of the request's regressors
  };

  void send_arrivals(const RouteRequest& request, const Reply& reply) const;
  void ask(const RouteRequest& request, const Reply& reply);
  void fit(Waiting asked);
  void answer(const FitAnswer& fitted);
  static std::string forecast_json(const Waiting& asked, const FitAnswer& fitted,
                                   const DemandForecast& demand);

  Sources sources_;
  ForecastSignals signals_;
  std::uint32_t serial_ = 0;
  std::map<std::uint64_t, Waiting> waiting_;
  std::unique_ptr<FitWorker> fits_;
};

}  // namespace forewarm
