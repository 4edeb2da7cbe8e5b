#include "core/forecast/ensemble/fit.h"

#include <algorithm>
#include <cmath>

#include "core/forecast/models/models.h"
#include "core/forecast/seasons.h"

namespace forewarm {
namespace {

constexpr std::size_t kAnswerBytesMax = 8192;
constexpr std::size_t kRowBytes = kForecastLevelCount * sizeof(float);
constexpr std::size_t kModelsMin = 2;  // there is always a choice
constexpr std::size_t kHorizonMax = kAnswerBytesMax / (kModelsMin * kRowBytes);

bool keeps_promises(const Forecast& forecast) {
  for (std::size_t h = 0; h < forecast.horizon(); ++h) {
    float before = 0;
    for (std::size_t level = 0; level < kForecastLevelCount; ++level) {
      const float value = forecast.at(h, level);
      if (!(value >= before) || !std::isfinite(value)) return false;
      before = value;
    }
  }
  return forecast.horizon() > 0;
}

}  // namespace

ForecastFitted fit_forecasts(const FitRequest& request) {
  ForecastFitted fitted{.queue = request.queue, .serial = request.serial, .forecasts = {}};
  if (request.step <= Duration(0)) return fitted;
  const std::vector<std::uint32_t> seasons =
      request.seasons.empty() ? find_seasons(request.arrivals) : request.seasons;
  std::vector<std::span<const float>> past, future;
  for (const Regressor& regressor : request.regressors) {
    past.emplace_back(regressor.past);
    future.emplace_back(regressor.future);
  }
  const SeriesView history{.start = request.start,
                           .step = request.step,
                           .values = request.arrivals,
                           .regressors = past,
                           .seasons = seasons};
  const std::size_t horizon = std::min<std::size_t>(request.horizon, kHorizonMax);
  for (const ModelMaker& maker : kModelMakers) {
    if ((fitted.forecasts.size() + 1) * horizon * kRowBytes > kAnswerBytesMax) break;
    const std::unique_ptr<Forecaster> model = maker.make();
    if (!model->fit(history)) continue;
    Forecast forecast = model->predict(horizon, future);
    if (keeps_promises(forecast))
      fitted.forecasts.push_back({.model = model->id(), .forecast = std::move(forecast)});
  }
  return fitted;
}

}  // namespace forewarm
