#pragma once

#include "core/model/event.h"
#include "core/model/forecast.h"

namespace forewarm {

/// Fits models to the request's series, in their order, and predicts with each. Pure, so it runs in the
/// core's thread, in a worker process or in a simulation alike. Models that cannot be fitted are left out; a
/// forecast that is not finite or not ordered is left out too. The result is at most 8 KB: as many models as
/// it holds at this horizon, and a horizon at which it holds two.
ForecastFitted fit_forecasts(const FitRequest& request);

}  // namespace forewarm
