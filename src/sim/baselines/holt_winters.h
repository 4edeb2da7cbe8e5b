#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>

#include "core/scale/scaler.h"
#include "sim/baselines/hpa.h"

namespace forewarm {

/// Smoothing of an additive season and trend, all three set by hand.
struct HoltWintersSmoothing {
  double level = 0.9;   ///< alpha
  double trend = 0.9;   ///< beta
  double season = 0.9;  ///< gamma
};

/// The value after `series` by Holt and Winters (Winters 1960) with a season of `period` values, in the form
/// of statsmodels. Nothing below two seasons and below 10 + 2 (period / 2) values, where the Predictive
/// Horizontal Pod Autoscaler refuses. It starts from the means of the first two seasons.
std::optional<double> holt_winters_next(const std::deque<double>& series, std::size_t period,
                                        const HoltWintersSmoothing& smoothing);

/// The Predictive Horizontal Pod Autoscaler (PHPA) with its Holt-Winters model: what the HPA would set is
/// remembered, the next value of that series is forecast, and the larger of both (decisionType maximum) is
/// set, at the HPA's speed. Defaults are those of its example; the season is the user's.
///
/// Source: jthomperoo/predictive-horizontal-pod-autoscaler, docs/user-guide/models.md and
/// algorithms/holt_winters/holt_winters.py.
///
/// Short of the product: statsmodels estimates the first level, trend and season; here they are means of the
/// first seasons. A target is not the product's: it is KEDA's default for messages.
struct HoltWintersOptions {
  double target = 5;  ///< messages a replica
  HoltWintersSmoothing smoothing = {};
  Duration every = 60s;              ///< interval x perInterval: a value is remembered and one is forecast
  Duration season = 1h;              ///< seasonalPeriods x every
  std::uint32_t stored_seasons = 4;  ///< storedSeasons
  HpaOptions hpa = {};
  Duration sync = 15s;  ///< interval
};

std::unique_ptr<Scaler> make_holt_winters_scaler(const HoltWintersOptions& options);

}  // namespace forewarm
