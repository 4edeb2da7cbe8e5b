#pragma once

#include <map>
#include <memory>

#include "core/forecast/ensemble/ensemble.h"
#include "core/model/event.h"
#include "core/model/forecast.h"

namespace forewarm {

/// Fits the ensembles of many queues, and between fits moves them on, which is cheap: a fit is made anew
/// after a share of the history has come since the last one. No clock, no thread, no file: it runs in a
/// worker process or in a simulation alike, and the same requests in the same order give the same answers.
class Fitter {
 public:
  explicit Fitter(EnsembleSize size = EnsembleSize::Light);
  ~Fitter();

  /// The ensemble's forecast and, to fall back on, that of seasonal quantiles. A model that cannot be fitted
  /// is left out; so is a forecast that is not finite or not ordered. The answer is at most 8 KB: the horizon
  /// is cut where it would be more.
  ForecastFitted fit(const FitRequest& request);
  /// What signals did in the last answer for a queue; empty where there was none.
  std::vector<ForecastReason> signals(QueueId queue) const;
  /// Why that answer was what it was, signals and all.
  std::vector<ForecastReason> reasons(QueueId queue) const;

 private:
  struct Queue;

  EnsembleSize size_;
  std::map<QueueId, std::unique_ptr<Queue>> queues_;
  std::size_t steps_ = 0;  ///< of history held, over all queues
  std::uint64_t requests_ = 0;
};

}  // namespace forewarm
