#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "core/scale/scaler.h"
#include "sim/baselines/hpa.h"

namespace forewarm {

/// Crane's periodic signal prediction (DSP): one cycle, a day or a week, that follows `history`, by the
/// minute. Where the history has a cycle at least twice, the waves of its Fourier spectrum that are slower
/// than an hour or among the largest; which ones and with which margin is chosen by the error on the last
/// cycle. Nothing where no cycle is found.
///
/// Source: gocrane/crane pkg/prediction/dsp (prediction.go, estimators.go, config.go) and
/// pkg/prediction/accuracy.
std::optional<std::vector<double>> crane_forecast(std::span<const double> history);

/// Crane's EffectiveHorizontalPodAutoscaler: the HPA on a metric and on its prediction, the largest of the
/// next hour; the larger wish counts. Predicted anew each 12 hours from 15 days by the minute.
///
/// The metric is the queue's length, its target KEDA's default; in Crane both are the user's.
struct CraneOptions {
  double target = 5;  ///< messages a replica
  HpaOptions hpa = {};
  Duration sync = 15s;
};

std::unique_ptr<Scaler> make_crane_scaler(const CraneOptions& options);

}  // namespace forewarm
