#include "scaling/clairvoyant.h"

#include <algorithm>

namespace forewarm::bench {

ClairvoyantFits::ClairvoyantFits(const Trace& trace) : start_(trace.start), arrivals_(trace.queues.size()) {
  for (const TraceArrival& arrival : trace.arrivals) arrivals_[arrival.queue].push_back(arrival.at);
  for (std::vector<Duration>& times : arrivals_) std::ranges::sort(times);
}

ForecastFitted ClairvoyantFits::fit(const FitRequest& request) const {
  const std::vector<Duration>& times = arrivals_[request.queue.value() - 1];
  Forecast forecast{
      .start = request.start + request.step * static_cast<Duration::rep>(request.arrivals.size()),
      .step = request.step,
      .values = {}};
  auto next = std::ranges::lower_bound(times, forecast.start - start_);
  for (std::size_t h = 0; h < request.horizon; ++h) {
    const Duration end = forecast.start - start_ + request.step * static_cast<Duration::rep>(h + 1);
    const auto from = next;
    next = std::lower_bound(from, times.end(), end);
    forecast.values.insert(forecast.values.end(), kForecastLevelCount, static_cast<float>(next - from));
  }
  return {request.queue, request.serial, {{ModelId::Ensemble, std::move(forecast)}}};
}

}  // namespace forewarm::bench
