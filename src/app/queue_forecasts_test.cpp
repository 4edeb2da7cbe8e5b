#include "app/queue_forecasts.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace forewarm {
namespace {

QueueArrivals arrivals_of(std::size_t steps, Duration step = 10s) {
  QueueArrivals arrivals{.start = TimePoint() + 1000s, .step = step, .values = {}};
  for (std::size_t i = 0; i < steps; ++i) arrivals.values.push_back(1);
  return arrivals;
}

std::string refusal_of(const QueueArrivals& arrivals, const ForecastQuery& query) {
  const Result<FitRequest> request = forecast_request(arrivals, query);
  return request ? "none" : request.error().message;
}

TEST(ForecastRequest, KeepsTheGridWhereTheHorizonIsNear) {
  const Result<FitRequest> request = forecast_request(arrivals_of(500), {.horizon = 10min});
  ASSERT_TRUE(request) << request.error().message;
  EXPECT_EQ(request->step, 10s);
  EXPECT_EQ(request->horizon, 60);
  EXPECT_EQ(request->arrivals.size(), 500u);
  EXPECT_EQ(request->start, TimePoint() + 1000s);
}

TEST(ForecastRequest, CoarsensFromTheEndSoThatNoStepIsHalfFull) {
  const QueueArrivals arrivals = arrivals_of(3000);  // 30,000 s
  const Result<FitRequest> request = forecast_request(arrivals, {.horizon = 6h});
  ASSERT_TRUE(request) << request.error().message;
  EXPECT_EQ(request->step, 5min);
  EXPECT_EQ(request->horizon, 72);
  EXPECT_EQ(request->arrivals, std::vector<float>(100, 30.0F));
  EXPECT_EQ(request->start + request->step * 100, TimePoint() + 31'000s);
  for (const Duration horizon : {Duration(1h), Duration(5h + 7min), Duration(8h)}) {
    const Result<FitRequest> any = forecast_request(arrivals, {.horizon = horizon});
    ASSERT_TRUE(any);
    EXPECT_LE(any->horizon, 96);
    EXPECT_GE(any->step * any->horizon, horizon);
  }
}

TEST(ForecastRequest, AGapStaysAGap) {
  QueueArrivals arrivals = arrivals_of(3000);
  arrivals.values[2995] = std::numeric_limits<float>::quiet_NaN();
  const Result<FitRequest> request = forecast_request(arrivals, {.horizon = 6h});
  EXPECT_TRUE(std::isnan(request->arrivals.back()));
  EXPECT_EQ(request->arrivals.front(), 30);
}

TEST(ForecastRequest, AtATimeInThePastKnowsOnlyWhatLayBefore) {
  QueueArrivals arrivals = arrivals_of(500);
  for (std::size_t i = 300; i < 500; ++i) arrivals.values[i] = 1000;
  const Result<FitRequest> request =
      forecast_request(arrivals, {.horizon = 10min, .at = TimePoint() + 1000s + 3009s});
  ASSERT_TRUE(request) << request.error().message;
  EXPECT_EQ(request->arrivals, std::vector<float>(300, 1.0F));
}

TEST(ForecastRequest, WhatCannotBeForecastIsRefusedWithARemedy) {
  EXPECT_NE(refusal_of(arrivals_of(0), {.horizon = 1min}).find("nothing has arrived yet"), std::string::npos);
  EXPECT_NE(refusal_of(arrivals_of(60), {.horizon = 1h}).find("is 10m long, too short for a horizon of 1h"),
            std::string::npos);
  EXPECT_NE(refusal_of(arrivals_of(7), {.horizon = 10s}).find("shorter horizon, or later"),
            std::string::npos);
  EXPECT_NE(
      refusal_of(arrivals_of(60), {.horizon = 1min, .at = TimePoint() + 900s}).find("begins at 1970-01-01"),
      std::string::npos);
  EXPECT_NE(
      refusal_of(arrivals_of(60), {.horizon = 1min, .at = TimePoint() + 9000s}).find("ends at 1970-01-01"),
      std::string::npos);
}

}  // namespace
}  // namespace forewarm
