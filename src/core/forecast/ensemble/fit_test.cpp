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

TEST(FitForecasts, AnswersWithModelsForecastsFromTheEndOfTheHistory) {
  const ForecastFitted fitted = fit_forecasts(timer_request(3000));
  EXPECT_EQ(fitted.queue, QueueId(4));
  EXPECT_EQ(fitted.serial, 17U);
  ASSERT_EQ(fitted.forecasts.size(), 3U);  // as many as the answer holds at this horizon
  for (std::size_t i = 0; i < fitted.forecasts.size(); ++i)
    EXPECT_EQ(fitted.forecasts[i].model, kModelMakers[i].id);
  for (const ModelForecast& forecast : fitted.forecasts) {
    EXPECT_EQ(forecast.forecast.start, TimePoint(1'030'000s));
    EXPECT_EQ(forecast.forecast.horizon(), 60U);
  }
}

TEST(FitForecasts, FindsTheSeasonWhereNoneIsGiven) {
  const ForecastFitted fitted = fit_forecasts(timer_request(3000));
  for (std::size_t h = 0; h < 60; ++h) {
    EXPECT_NEAR(fitted.forecasts[0].forecast.at(h, 2), h % 30 == 2 ? 80 : 0, 0.5) << h;
  }
}

TEST(FitForecasts, TheAnswerStaysWithinEightKilobytes) {
  FitRequest request = timer_request(500);
  request.horizon = 65'535;
  std::size_t bytes = 0;
  for (const ModelForecast& forecast : fit_forecasts(request).forecasts) {
    EXPECT_GE(forecast.forecast.horizon(), 60U);
    bytes += forecast.forecast.values.size() * sizeof(float);
  }
  EXPECT_LE(bytes, 8192U);
}

TEST(FitForecasts, WhatCannotBeFittedIsLeftOut) {
  FitRequest request = timer_request(5);
  EXPECT_TRUE(fit_forecasts(request).forecasts.empty());
  request.arrivals.assign(100, std::numeric_limits<float>::quiet_NaN());
  EXPECT_TRUE(fit_forecasts(request).forecasts.empty());
  request = timer_request(100);
  request.step = Duration(0);
  EXPECT_TRUE(fit_forecasts(request).forecasts.empty());
  request = timer_request(100);
  request.horizon = 0;
  EXPECT_TRUE(fit_forecasts(request).forecasts.empty());
  EXPECT_EQ(fit_forecasts(request).serial, 17U);
}

TEST(FitForecasts, WhatASignalDoesIsInEveryForecastAlsoFromALongHistory) {
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
  const ForecastFitted blind = fit_forecasts(request);
  request.regressors.push_back({.signal = SignalId(1),
                                .past = {signal.begin(), signal.begin() + kSteps},
                                .future = {signal.begin() + kSteps, signal.end()}});
  const ForecastFitted fitted = fit_forecasts(request);
  ASSERT_EQ(fitted.forecasts.size(), blind.forecasts.size());
  for (std::size_t i = 0; i < fitted.forecasts.size(); ++i) {
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

TEST(FitForecasts, TheSameRequestGivesTheSameBytes) {
  Random random(4);
  FitRequest request = timer_request(2000);
  for (float& value : request.arrivals) value += static_cast<float>(random.poisson(3));
  std::string one, other;
  write_text(TimedEvent{.time = {}, .event = fit_forecasts(request)}, one);
  write_text(TimedEvent{.time = {}, .event = fit_forecasts(request)}, other);
  EXPECT_EQ(one, other);
}

}  // namespace
}  // namespace forewarm
