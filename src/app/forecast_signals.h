#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "app/signal_service.h"
#include "core/history/signal_series.h"
#include "core/model/forecast.h"

namespace forewarm {

/// A signal beside the request's history and over its horizon, on the request's grid. `series` has the steps
/// of the queue's history, of which `factor` are one of the request's. The past has nothing of what was after
/// it; the future, where it is `future_known`, has what was said of that time by `now`, which may be later.
Regressor regressor_beside(const FitRequest& request, std::size_t factor, const SignalSeries& series,
                           SignalId signal, bool future_known, TimePoint now);

/// The external series for forecasts that are asked for, which may look further ahead than what the core is
/// told: calendars and cron expressions are asked anew on a thread of their own, and of pushed and polled
/// values those are read that still wait to be told.
///
/// A signal that cannot be had in time is left out, and never the forecast.
class ForecastSignals {
 public:
  /// What the core was told of a signal; null for one that it does not have.
  using Told = std::function<const SignalSeries*(SignalId)>;
  /// `names` by what the request's regressors are called.
  using Done = std::function<void(FitRequest request, std::map<SignalId, std::string> names)>;
  ForecastSignals(Loop& loop, SignalService& signals, Told told);
  ~ForecastSignals();

  /// Adds the signals that are for `queue` to a request that stands on its history of steps of `step`. `done`
  /// is called once, at once or later.
  void add(std::string_view queue, Duration step, FitRequest request, Done done);

 private:
  struct Plans;  ///< of one request, while they are read

  void take(std::uint64_t serial, std::size_t index, Reading reading);
  void finish(Plans& plans);
  void put(Plans& plans, const SignalConfig& config, SignalId id, const SignalSeries& series) const;

  Loop& loop_;
  SignalService& signals_;
  Told told_;
  std::map<std::uint64_t, std::unique_ptr<Plans>> reading_;
  std::uint64_t serial_ = 0;
  std::shared_ptr<ForecastSignals*> self_;  ///< for what comes home from a thread after this is gone
};

}  // namespace forewarm
