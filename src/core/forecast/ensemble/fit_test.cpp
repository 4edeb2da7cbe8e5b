#include "core/forecast/ensemble/fit.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "base/random.h"
#include "core/forecast/models/models.h"
#include "core/model/text.h"

namespace forewarm {
namespace {

FitRequest timer_request(std::size_t steps) {
  FitRequest request;
  request.queue = QueueId(4);
  request.serial = 17;
  request.start = TimePoint(1'000'000s);
  for (std::size_t t = 0; t < steps; ++t) request.arrivals.push_back(t % 30 == 2 ? 80.0F : 0.0F);
  return request;
}

TEST(Fitter, AnswersWithTheEnsembleAndWhatToFallBackOnFromTheEndOfTheHistory) {
  const ForecastFitted fitted = Fitter().fit(timer_request(3000));
  EXPECT_EQ(fitted.queue, QueueId(4));
  EXPECT_EQ(fitted.serial, 17U);
  ASSERT_EQ(fitted.forecasts.size(), 2U);
  EXPECT_EQ(fitted.forecasts[0].model, ModelId::SeasonalQuantiles);
  EXPECT_EQ(fitted.forecasts[1].model, ModelId::Ensemble);
  for (const ModelForecast& forecast : fitted.forecasts) {
    EXPECT_EQ(forecast.forecast.start, TimePoint(1'030'000s));
    EXPECT_EQ(forecast.forecast.horizon(), 60U);
  }
}

TEST(Fitter, SaysWhyOfWhatItHasFitted) {
  Fitter fitter;
  EXPECT_TRUE(fitter.reasons(QueueId(4)).empty());
  fitter.fit(timer_request(1000));
  EXPECT_FALSE(fitter.reasons(QueueId(4)).empty());
  EXPECT_TRUE(fitter.reasons(QueueId(5)).empty());
}

TEST(Fitter, FindsTheSeasonWhereNoneIsGiven) {
  const ForecastFitted fitted = Fitter().fit(timer_request(3000));
  for (std::size_t h = 0; h < 60; ++h) {
    EXPECT_NEAR(fitted.forecasts[0].forecast.at(h, 2), h % 30 == 2 ? 80 : 0, 0.5) << h;
  }
}

TEST(Fitter, TheAnswerStaysWithinEightKilobytes) {
  FitRequest request = timer_request(500);
  request.horizon = 65'535;
  std::size_t bytes = 0;
  for (const ModelForecast& forecast : Fitter().fit(request).forecasts) {
    EXPECT_GE(forecast.forecast.horizon(), 100U);
    bytes += forecast.forecast.values.size() * sizeof(float);
  }
  EXPECT_LE(bytes, 8192U);
}

TEST(Fitter, WhatCannotBeFittedIsLeftOut) {
  FitRequest request = timer_request(5);
  EXPECT_TRUE(Fitter().fit(request).forecasts.empty());
  request.arrivals.assign(100, std::numeric_limits<float>::quiet_NaN());
  EXPECT_TRUE(Fitter().fit(request).forecasts.empty());
  request = timer_request(100);
  request.step = Duration(0);
  EXPECT_TRUE(Fitter().fit(request).forecasts.empty());
  request = timer_request(100);
  request.horizon = 0;
  EXPECT_TRUE(Fitter().fit(request).forecasts.empty());
  EXPECT_EQ(Fitter().fit(request).serial, 17U);
}

TEST(Fitter, WhatASignalDoesIsInTheForecastAlsoFromALongHistory) {
  constexpr std::size_t kSteps = 7000;  // longer than what signals' effects are learnt from
  Random random(4);
  FitRequest request = timer_request(0);
  std::vector<float> signal;
  double level = 0;
  for (std::size_t t = 0; t < kSteps + 60; ++t) {
    level = 0.9 * level + random.normal();
    signal.push_back(static_cast<float>(level));
  }
  for (std::size_t t = 0; t < kSteps; ++t) {
    const double wave = 100 + 30 * std::sin(2 * M_PI * static_cast<double>(t) / 30);
    request.arrivals.push_back(
        static_cast<float>(wave + 10 * static_cast<double>(signal[t]) + 3 * random.normal()));
  }
  const ForecastFitted blind = Fitter().fit(request);
  request.regressors.push_back({.signal = SignalId(1),
                                .past = {signal.begin(), signal.begin() + kSteps},
                                .future = {signal.begin() + kSteps, signal.end()}});
  Fitter fitter;
  const ForecastFitted fitted = fitter.fit(request);
  ASSERT_EQ(fitter.signals(request.queue).size(), 1U);
  EXPECT_GT(fitter.signals(request.queue)[0].share, 0.9);
  EXPECT_GT(fitter.signals(request.queue)[0].gain, 0.1);
  ASSERT_EQ(fitted.forecasts.size(), blind.forecasts.size());
  for (const std::size_t i : {0U, 1U}) {
    EXPECT_EQ(fitted.forecasts[i].forecast.start, request.start + request.step * kSteps);
    double with = 0, without = 0;
    for (std::size_t h = 0; h < 60; ++h) {
      const double actual = 100 + 30 * std::sin(2 * M_PI * static_cast<double>(kSteps + h) / 30) +
                            10 * static_cast<double>(signal[kSteps + h]);
      with += std::abs(static_cast<double>(fitted.forecasts[i].forecast.at(h, 4)) - actual);
      without += std::abs(static_cast<double>(blind.forecasts[i].forecast.at(h, 4)) - actual);
    }
    EXPECT_LT(with, 0.6 * without) << i;
  }
}

/// The timer's history seen from some steps later, at most `kept` steps of it.
FitRequest later_request(std::size_t steps, std::size_t kept) {
  FitRequest request = timer_request(steps);
  if (steps > kept) {
    request.start += request.step * static_cast<Duration::rep>(steps - kept);
    request.arrivals.erase(request.arrivals.begin(),
                           request.arrivals.begin() + static_cast<std::ptrdiff_t>(steps - kept));
  }
  return request;
}

TEST(Fitter, MovesOnBetweenFitsAndFitsAnewWhenTheHistoryHasGrown) {
  Fitter fitter;
  fitter.fit(timer_request(1000));
  for (std::size_t steps = 1006; steps < 1200; steps += 6) {
    const ForecastFitted moved = fitter.fit(later_request(steps, 900));
    ASSERT_EQ(moved.forecasts.size(), 2U);
    for (const ModelForecast& forecast : moved.forecasts) {
      ASSERT_EQ(forecast.forecast.start, TimePoint(1'000'000s + steps * 10s));
      for (std::size_t h = 0; h < 60; ++h)
        ASSERT_NEAR(forecast.forecast.at(h, 4), (steps + h) % 30 == 2 ? 80 : 0, 4) << steps << " " << h;
    }
  }
}

TEST(Fitter, AnotherSeriesIsNotTakenForTheSameOneLater) {
  Fitter fitter;
  fitter.fit(timer_request(1000));
  FitRequest changed = timer_request(1006);
  changed.step = 20s;
  EXPECT_EQ(fitter.fit(changed).forecasts[1], Fitter().fit(changed).forecasts[1]);
  FitRequest earlier = timer_request(500);
  EXPECT_EQ(fitter.fit(earlier).forecasts[1], Fitter().fit(earlier).forecasts[1]);
  FitRequest shifted = timer_request(506);
  shifted.start += 3s;
  EXPECT_EQ(fitter.fit(shifted).forecasts[1], Fitter().fit(shifted).forecasts[1]);
  FitRequest much_later = timer_request(3000);
  EXPECT_EQ(fitter.fit(much_later).forecasts[1], Fitter().fit(much_later).forecasts[1]);
}

TEST(Fitter, QueuesDoNotMeet) {
  Fitter fitter;
  FitRequest other = timer_request(300);
  other.queue = QueueId(5);
  for (float& value : other.arrivals) value = 7;
  fitter.fit(timer_request(300));
  const ForecastFitted fitted = fitter.fit(other);
  EXPECT_EQ(fitted.queue, QueueId(5));
  EXPECT_NEAR(fitted.forecasts[1].forecast.at(0, 4), 7, 0.1);
}

TEST(Fitter, TheSameRequestGivesTheSameBytes) {
  Random random(4);
  FitRequest request = timer_request(2000);
  for (float& value : request.arrivals) value += static_cast<float>(random.poisson(3));
  std::string one, other;
  write_text(TimedEvent{.time = {}, .event = Fitter().fit(request)}, one);
  write_text(TimedEvent{.time = {}, .event = Fitter().fit(request)}, other);
  EXPECT_EQ(one, other);
}

}  // namespace
}  // namespace forewarm
