#include "core/forecast/ensemble/fit.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "core/forecast/seasons.h"

namespace forewarm {
namespace {

constexpr std::size_t kAnswerBytesMax = 8192;
constexpr std::size_t kModelsAnswering = 2;
constexpr std::size_t kHorizonMax =
    kAnswerBytesMax / (kModelsAnswering * kForecastLevelCount * sizeof(float));
// A fit is made anew when the history has grown by this share, but within these steps.
constexpr std::size_t kRefitShare = 16;
constexpr std::size_t kRefitStepsMin = 30;
constexpr std::size_t kRefitStepsMax = 360;
// Of history, over all queues; some 25 bytes each in the models.
constexpr std::size_t kStepsHeldMax = 90'000'000;
// The whole ensemble takes several times that, and whoever asks for it seldom goes on from it.
constexpr std::size_t kStepsHeldByWholeMax = 500'000;

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

struct Fitter::Queue {
  Queue(EnsembleSize size, std::size_t leads) : ensemble(size, leads) {}

  Ensemble ensemble;
  bool fitted = false;
  Duration step = Duration(0);
  std::uint16_t horizon = 0;
  std::vector<std::uint32_t> given_seasons;
  TimePoint end;                ///< of the history seen
  std::size_t steps = 0;        ///< of history held
  std::size_t steps_since = 0;  ///< the last fit
  std::uint64_t used = 0;

  /// Whether `request` is the same series some steps later, and not too many.
  bool goes_on(const FitRequest& request) const {
    const TimePoint request_end = end_of(request);
    if (request.step != step || request.horizon != horizon || request.seasons != given_seasons) return false;
    if (request_end < end || end < request.start) return false;
    // What signals do is learnt with the values that are known then.
    if (!ensemble.effects().empty()) return false;
    const Duration ahead = request_end - end;
    if (ahead % request.step != Duration(0)) return false;
    const std::size_t wait = std::clamp(steps / kRefitShare, kRefitStepsMin, kRefitStepsMax);
    return steps_since + static_cast<std::size_t>(ahead / request.step) < wait;
  }

  static TimePoint end_of(const FitRequest& request) {
    return saturating_add(request.start, request.step * static_cast<Duration::rep>(request.arrivals.size()));
  }

  void move_on(const FitRequest& request) {
    const auto ahead = static_cast<std::size_t>((end_of(request) - end) / request.step);
    for (std::size_t t = request.arrivals.size() - ahead; fitted && t < request.arrivals.size(); ++t)
      ensemble.update(request.arrivals[t], {});
    steps_since += ahead;
    end = end_of(request);
  }

  void fit_anew(const FitRequest& request) {
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
                             .seasons = seasons,
                             .future = future};
    fitted = ensemble.fit(history).has_value();
    step = request.step;
    horizon = request.horizon;
    given_seasons = request.seasons;
    end = end_of(request);
    steps = request.arrivals.size();
    steps_since = 0;
  }
};

Fitter::Fitter(EnsembleSize size) : size_(size) {}
Fitter::~Fitter() = default;

ForecastFitted Fitter::fit(const FitRequest& request) {
  ForecastFitted answer{.queue = request.queue, .serial = request.serial, .forecasts = {}};
  if (request.step <= Duration(0)) return answer;
  std::unique_ptr<Queue>& queue = queues_[request.queue];
  if (queue && queue->goes_on(request)) {
    queue->move_on(request);
  } else {
    if (queue) steps_ -= queue->steps;
    queue = std::make_unique<Queue>(size_, request.horizon);
    queue->fit_anew(request);
    steps_ += queue->steps;
  }
  queue->used = ++requests_;
  if (queue->fitted) {
    const auto horizon = std::min<std::size_t>(request.horizon, kHorizonMax);
    for (ModelForecast forecast :
         {ModelForecast{ModelId::SeasonalQuantiles, queue->ensemble.predict_seasonal(horizon)},
          ModelForecast{ModelId::Ensemble, queue->ensemble.predict(horizon, {})}}) {
      if (keeps_promises(forecast.forecast)) answer.forecasts.push_back(std::move(forecast));
    }
  }
  while (steps_ > (size_ == EnsembleSize::Whole ? kStepsHeldByWholeMax : kStepsHeldMax) &&
         queues_.size() > 1) {
    const auto oldest = std::min_element(queues_.begin(), queues_.end(), [](const auto& a, const auto& b) {
      return a.second->used < b.second->used;
    });
    steps_ -= oldest->second->steps;
    queues_.erase(oldest);
  }
  return answer;
}

std::vector<ForecastReason> Fitter::signals(QueueId queue) const {
  const auto found = queues_.find(queue);
  return found == queues_.end() ? std::vector<ForecastReason>{} : found->second->ensemble.signals();
}

std::vector<ForecastReason> Fitter::reasons(QueueId queue) const {
  const auto found = queues_.find(queue);
  if (found == queues_.end() || !found->second->fitted) return {};
  std::vector<std::size_t> leads(std::clamp<std::size_t>(found->second->horizon, 1, kHorizonMax));
  std::iota(leads.begin(), leads.end(), std::size_t{1});
  return found->second->ensemble.reasons(leads);
}

}  // namespace forewarm
