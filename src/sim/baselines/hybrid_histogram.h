#pragma once

#include <cstdint>
#include <memory>

#include "core/scale/scaler.h"

namespace forewarm {

/// The hybrid histogram policy: when an application that fell idle is loaded again, and how long it is kept
/// then, from the distribution of its idle times.
///
/// Source: Shahrad et al., "Serverless in the Wild" (ATC 2020), with the constants of dslab's
/// hybrid_histogram.rs. An idle time is from the end of what ran to the next message; a message that comes
/// while others run has none.
///
/// Beyond the paper, which loads an application or does not: a message that finds no idle instance starts one
/// of its own, and what is above one instance is kept as the application is. Short of the paper: where most
/// idle times are beyond the range, it fits an ARIMA of automatic order; this fits a first-order
/// autoregression by least squares to the newest 1,000 idle times (their mean below four of them).
struct HybridHistogramOptions {
  Duration range = 4h;  ///< idle times beyond it are out of bounds
  Duration bin = 1min;
  double head = 0.05;             ///< loaded again before this quantile of the idle times,
  double tail = 0.99;             ///< kept until after this one,
  double margin = 0.1;            ///< with so much to spare
  double variation = 2;           ///< a lower coefficient of variation of the bins: no pattern to follow
  double out_of_bounds = 0.5;     ///< from this share on the idle times themselves are forecast,
  double forecast_margin = 0.15;  ///< with so much to spare on both sides
  std::uint32_t max = 1000;
};

/// Looks each second: what ended is seen that much later.
std::unique_ptr<Scaler> make_hybrid_histogram_scaler(const HybridHistogramOptions& options);

}  // namespace forewarm
