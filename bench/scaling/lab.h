#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "app/replay_world.h"
#include "core/forecast/ensemble/fit.h"
#include "sim/ledger.h"

namespace forewarm::bench {

/// A trace cut in time: policies learn, and are chosen, on the first part and scored on the rest.
struct Course {
  std::string name;
  Trace trace;
  Duration step = 10s;    ///< of forecasts and plans
  double learning = 0.7;  ///< share of the time
};

/// How long instances take to start, and where that is from.
struct StartModel {
  std::string name;
  DurationDistribution time = DurationDistribution::fixed(1s);
  bool recorded = false;  ///< else fitted to what is published
};

/// What is asked of a policy.
struct Objective {
  Duration slack = Duration(0);
  double late_share = 0.01;
};

/// The books of one run, by the slack that lateness is judged by.
struct Books {
  std::vector<QueueLedger> learnt, scored;           ///< by queue
  std::vector<std::vector<TimelineBucket>> columns;  ///< by queue: time lines of the scored part
};
using BooksBySlack = std::map<Duration, Books>;

/// Forecasts depend on what came and not on what a policy does: each is fitted once for all runs.
class FitMemory {
 public:
  ForecastFitted fit(const FitRequest& request);
  /// Calls take(request's end, forecast) for every forecast of the ensemble for a queue, in order.
  void visit(QueueId queue, const std::function<void(const Forecast&)>& take) const;

 private:
  std::mutex mutex_;
  Fitter fitter_;
  std::map<std::pair<std::uint32_t, std::uint64_t>, ForecastFitted> answers_;
};

/// Answers a request for a fit; empty where a policy reads no forecast.
using Fits = std::function<ForecastFitted(const FitRequest&)>;

/// When the scored part of a course begins, and how long it is.
TimePoint scored_from(const Course& course);
Duration scored_length(const Course& course);
/// Of the time lines in the books: an hour, or a bootstrap's block where that is less.
Duration column_width(const Course& course);

/// Runs one policy over a course and keeps its books for each of `slacks`.
BooksBySlack run_course(const Course& course, const StartModel& start, const std::string& policy,
                        const Objective& objective, const std::vector<Duration>& slacks, const Fits& fits);

/// Instance-seconds by queue that no policy can do without in the scored part.
std::vector<double> bounds_of(const Course& course, const StartModel& start, const Objective& objective);

/// The ensemble's mean quantile loss over that of the empirical quantiles of the last `window` (clim), over
/// the learning part: below 0.8 a queue counts as predictable. 1 where nothing can be said.
double loss_against_clim(const Course& course, std::size_t queue, const FitMemory& forecasts,
                         Duration window = 16h);

}  // namespace forewarm::bench
