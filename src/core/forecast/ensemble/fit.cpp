#include "core/forecast/ensemble/fit.h"

#include <algorithm>
#include <cmath>

#include "core/forecast/models/models.h"
#include "core/forecast/regressors/signal_effects.h"
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
  const SignalEffects effects(history, future);
  const std::vector<float> without_effects = effects.without_effects();
  SeriesView seen = history;
  if (!effects.empty()) {
    seen.start += history.step * static_cast<Duration::rep>(history.values.size() - without_effects.size());
    seen.values = without_effects;
    seen.regressors = {};
  }
  for (const ModelMaker& maker : kModelMakers) {
    if ((fitted.forecasts.size() + 1) * horizon * kRowBytes > kAnswerBytesMax) break;
    const std::unique_ptr<Forecaster> model = maker.make();
    if (!model->fit(seen)) continue;
    Forecast forecast = model->predict(horizon, effects.empty() ? Columns(future) : Columns());
    effects.put_back(forecast);
    if (keeps_promises(forecast))
      fitted.forecasts.push_back({.model = model->id(), .forecast = std::move(forecast)});
  }
  return fitted;
}

}  // namespace forewarm
