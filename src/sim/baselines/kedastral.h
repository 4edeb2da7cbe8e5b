#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>

#include "core/scale/scaler.h"
#include "sim/baselines/keda.h"

namespace forewarm {

/// A metric `minutes` after the newest of `history` (by the minute, oldest first), whose newest value is of
/// `minute` since the epoch: trend and momentum mixed with the means of the minute of the hour, else of the
/// hour of the day. Source: Kedastral, pkg/models/baseline.go at 098e8df, which fits no smaller a step.
double kedastral_forecast(const std::deque<double>& history, std::int64_t minute, std::int64_t minutes);

/// Kedastral with its baseline model, given to KEDA as an external metric of desired replicas with a target
/// of 1: replicas = headroom x forecast after the lead time / target, at most twice and at least half of
/// those before, once a minute.
///
/// Source: Kedastral, README, docs/planner/MATH.md and pkg/models/baseline.go. The metric is the offered load
/// (arrivals a second x service time): a rate whose target a pod is set to what one pod can do. Its other
/// model, a fixed ARIMA(1,1,1), is not built. From none it goes to one at least, where the product's limit of
/// growth would keep none for ever.
struct KedastralOptions {
  double target = 1;  ///< targetPerPod: load a replica
  double headroom = 1.2;
  Duration lead = 60s;       ///< leadTimeSeconds
  Duration window = 6h;      ///< of history that it is trained with: its manual's best is 6 to 12 hours
  double up_factor = 2;      ///< upMaxFactorPerStep
  double down_percent = 50;  ///< downMaxPercentPerStep
  KedaOptions keda = {.target = 1, .min = 1};
};

std::unique_ptr<Scaler> make_kedastral_scaler(const KedastralOptions& options);

}  // namespace forewarm
