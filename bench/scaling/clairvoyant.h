#pragma once

#include <vector>

#include "core/model/event.h"
#include "edge/trace/trace.h"

namespace forewarm::bench {

/// Answers requests for fits with what the trace will bring: the count of each step to come, at all levels.
/// No policy can have that; it shows what the rest of the scaler does with it.
class ClairvoyantFits {
 public:
  explicit ClairvoyantFits(const Trace& trace);

  ForecastFitted fit(const FitRequest& request) const;

 private:
  TimePoint start_;
  std::vector<std::vector<Duration>> arrivals_;  ///< of each queue, ascending
};

}  // namespace forewarm::bench
