#pragma once

#include "scaling/lab.h"

namespace forewarm::bench {

/// Two days of queues that nobody can foresee: Poisson at several rates, steps whose rate is drawn anew, gaps
/// drawn one by one from a distribution with a heavy tail.
Course unpredictable_course();

/// Three days of a queue whose rate follows a wave of four hours: its forecasts are good.
Course wave_course();

/// What may happen to the forecasts of a model that was good.
enum class Corruption : std::uint8_t {
  None,
  Stale,     ///< what was said first is said again and again
  Inverted,  ///< much where little comes, and little where much does
  Tenfold,
};

/// A fit whose answers are spoilt from a moment on.
class SpoiltFits {
 public:
  SpoiltFits(FitMemory& honest, Corruption corruption, TimePoint from)
      : honest_(honest), corruption_(corruption), from_(from) {}

  ForecastFitted fit(const FitRequest& request);

 private:
  FitMemory& honest_;
  Corruption corruption_;
  TimePoint from_;
  std::vector<ModelForecast> first_;  ///< from then on
};

}  // namespace forewarm::bench
