#include "scaling/synthetic.h"

#include <algorithm>

#include "base/math.h"
#include "base/random.h"
#include "sim/arrivals.h"

namespace forewarm::bench {
namespace {

constexpr Duration kStep = 30s;
const TimePoint kStart = time_point_us(1'700'006'400'000'000);  // a midnight

class Builder {
 public:
  explicit Builder(std::string name, Duration length)
      : course_{.name = std::move(name), .trace = {}, .step = kStep} {
    course_.trace.length = length;
    course_.trace.start = kStart;
  }

  /// Arrivals whose gaps `next_gap` gives, in seconds.
  template <class Gap>
  void queue(const char* name, Gap next_gap) {
    const auto number = static_cast<std::uint32_t>(course_.trace.queues.size());
    course_.trace.queues.push_back({name, std::nullopt});
    const double length = seconds(course_.trace.length);
    double at = next_gap(0.0);
    while (at < length) {
      course_.trace.arrivals.push_back({.at = from_seconds(at), .queue = number});
      at += next_gap(at);
    }
  }

  Course finish() {
    std::ranges::stable_sort(course_.trace.arrivals, {}, &TraceArrival::at);
    return std::move(course_);
  }

 private:
  Course course_;
};

double exponential(Random& random, double mean) {
  return -mean * forewarm::log(1 - random.uniform());
}

ForecastFitted inverted(ForecastFitted fitted) {
  for (ModelForecast& model : fitted.forecasts) {
    std::vector<float>& values = model.forecast.values;
    if (values.empty()) continue;
    const float most = *std::ranges::max_element(values);
    for (std::size_t row = 0; row < model.forecast.horizon(); ++row) {
      const auto begin = values.begin() + static_cast<std::ptrdiff_t>(row * kForecastLevelCount);
      const auto end = begin + kForecastLevelCount;
      std::transform(begin, end, begin, [&](float value) { return most - value; });
      std::reverse(begin, end);
    }
  }
  return fitted;
}

}  // namespace

Course unpredictable_course() {
  Builder builder("unpredictable", 48h);
  Random random(71);
  builder.queue("poisson, one in 30 minutes", [&](double) { return exponential(random, 1800); });
  builder.queue("poisson, one in 2 minutes", [&](double) { return exponential(random, 120); });
  builder.queue("poisson, one in 2 seconds", [&](double) { return exponential(random, 2); });
  builder.queue("poisson, ten a second", [&](double) { return exponential(random, 0.1); });
  double rate = 1, until = 0;
  builder.queue("white noise", [&](double at) {
    if (at >= until) {
      rate = exponential(random, 1) + 1e-3;
      until = at + seconds(kStep);
    }
    return exponential(random, 1 / rate);
  });
  builder.queue("heavy gaps", [&](double) {
    return 5 * forewarm::exp(2 * normal_quantile(std::clamp(random.uniform(), 1e-9, 1 - 1e-9)));
  });
  return builder.finish();
}

Course wave_course() {
  Builder builder("wave", 72h);
  Random random(72);
  constexpr double kPeriod = 4 * 3600, kMost = 4;
  builder.queue("wave", [&](double at) {
    double gap = 0;
    do {
      gap += exponential(random, 1 / kMost);
    } while (random.uniform() * 2 > 1 + 0.95 * sine_cosine_turns((at + gap) / kPeriod).sine);
    return gap;
  });
  return builder.finish();
}

ForecastFitted SpoiltFits::fit(const FitRequest& request) {
  ForecastFitted fitted = honest_.fit(request);
  const TimePoint now = request.start + request.step * static_cast<std::int64_t>(request.arrivals.size());
  if (now < from_) return fitted;
  switch (corruption_) {
    case Corruption::None:
      break;
    case Corruption::Stale:
      if (first_.empty()) first_ = fitted.forecasts;
      for (ModelForecast& model : fitted.forecasts) {
        const auto said = std::ranges::find(first_, model.model, &ModelForecast::model);
        if (said != first_.end()) model.forecast.values = said->forecast.values;
      }
      break;
    case Corruption::Inverted:
      return inverted(std::move(fitted));
    case Corruption::Tenfold:
      for (ModelForecast& model : fitted.forecasts) {
        for (float& value : model.forecast.values) value *= 10;
      }
      break;
  }
  return fitted;
}

}  // namespace forewarm::bench
