#pragma once

#include <cstdint>
#include <memory>

#include "core/scale/scaler.h"

namespace forewarm {

/// AWS predictive scaling, ForecastAndScale: after a day of data, each 6 hours a forecast of the next 48
/// hours by the hour, from at most 14 days. Capacity is raised to it 5 minutes before its hour. It never
/// scales in: a target tracking policy on utilisation (sim/baselines/target_tracking.h) under it does, down
/// to the forecast, and scales out beyond it.
///
/// Source: AWS Application Auto Scaling user guide, "How predictive scaling works", and
/// API_PredictiveScalingConfiguration (2025). The model is not published. Assumed: the mean of the peaks of
/// the same hour of the week, in the first week of the day, where a peak is the hour's highest minute of
/// offered load (arrivals x service time); capacity = peak / target. A change of the target tracking waits
/// for the one before it to be 5 minutes old (the default cooldown). With utilisation as its metric the
/// policy cannot leave or reach none, so one is kept.
struct AwsPredictiveOptions {
  double target = 0.7;  ///< utilisation, of the forecast and of the target tracking
  std::uint32_t min = 1;
  std::uint32_t max = 1000;
  Duration buffer = 300s;    ///< SchedulingBufferTime
  Duration cooldown = 300s;  ///< of the target tracking
};

std::unique_ptr<Scaler> make_aws_predictive_scaler(const AwsPredictiveOptions& options);

}  // namespace forewarm
