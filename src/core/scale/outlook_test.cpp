#include "core/scale/outlook.h"

#include <gtest/gtest.h>

#include <limits>
#include <vector>

#include "core/scale/trust.h"

namespace forewarm {
namespace {

/// One row a value, all levels alike.
ModelForecast certain(std::vector<float> rows, Duration step = 10s) {
  ModelForecast forecast{.model = ModelId::SeasonalQuantiles,
                         .forecast = {.start = time_point_us(0), .step = step, .values = {}}};
  for (const float row : rows)
    forecast.forecast.values.insert(forecast.forecast.values.end(), kForecastLevelCount, row);
  return forecast;
}

TimePoint at(Duration since_start) {
  return time_point_us(0) + since_start;
}

TEST(Outlook, AWindowTakesItsShareOfTheStepsThatItOverlaps) {
  const ModelForecast forecast = certain({10, 20, 40});
  const ForecastPieces window = Outlook::of(&forecast, at(5s))->window(12, 0.5);
  ASSERT_EQ(window.pieces().size(), 2U);
  EXPECT_DOUBLE_EQ(window.pieces()[0].seconds, 5);
  EXPECT_DOUBLE_EQ(window.pieces()[0].messages, 5);
  EXPECT_DOUBLE_EQ(window.pieces()[1].seconds, 7);
  EXPECT_DOUBLE_EQ(window.pieces()[1].messages, 14);
  EXPECT_DOUBLE_EQ(window.peak_rate(), 2);
}

TEST(Outlook, ALeadShorterThanAStepStaysWithinIt) {
  const ModelForecast forecast = certain({60, 0}, 60s);
  const ForecastPieces window = Outlook::of(&forecast, at(30s))->window(10.2, 0.9);
  ASSERT_EQ(window.pieces().size(), 1U);
  EXPECT_DOUBLE_EQ(window.messages(), 10.2);
}

TEST(Outlook, BehindTheHorizonTheLastStepGoesOn) {
  const ModelForecast forecast = certain({10, 30});
  EXPECT_DOUBLE_EQ(Outlook::of(&forecast, at(0s))->window(40, 0.5).messages(), 10 + 30 + 60);
}

TEST(Outlook, ALongLeadIsCutCoarselyWithoutLosingMessages) {
  std::vector<float> rows;
  double sum = 0;
  for (int i = 0; i < 240; ++i) {
    rows.push_back(static_cast<float>(i % 7));
    if (i >= 3) sum += i % 7;
  }
  const ModelForecast forecast = certain(rows, 500ms);
  const ForecastPieces window = Outlook::of(&forecast, at(1500ms))->window(118.5 + 10, 0.5);
  EXPECT_LE(window.pieces().size(), ForecastPieces::kPiecesMax);
  EXPECT_NEAR(window.messages(), sum + 20 * (239 % 7), 1e-6);
}

TEST(Outlook, EveryWindowFitsAndCoversItsTime) {
  for (std::size_t horizon = 1; horizon < 130; ++horizon) {
    const ModelForecast forecast = certain(std::vector<float>(horizon, 2), 1s);
    for (const auto offset : {0ms, 1ms, 500ms, 999ms}) {
      for (const double length : {0.001, 0.5, 1.0, 31.0, 32.0, 33.5, 64.0, 500.0}) {
        const ForecastPieces window = Outlook::of(&forecast, at(offset))->window(length, 0.5);
        ASSERT_NEAR(window.messages(), 2 * length, 1e-6 * length) << horizon << " rows, " << length << " s";
      }
    }
  }
}

TEST(Outlook, AForecastThatCannotBeTrueIsNone) {
  constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  for (const float bad : {kNan, kInfinity, -kInfinity, -1.0F, 2e9F}) {
    ModelForecast forecast = certain({1, 2, 3});
    forecast.forecast.values[9] = bad;
    EXPECT_FALSE(Outlook::of(&forecast, at(0s))) << bad;
  }
  ModelForecast crossed = certain({1});
  crossed.forecast.values[6] = 0.5F;
  EXPECT_FALSE(Outlook::of(&crossed, at(0s)));
  ModelForecast torn = certain({1});
  torn.forecast.values.pop_back();
  EXPECT_FALSE(Outlook::of(&torn, at(0s)));
  ModelForecast empty = certain({});
  EXPECT_FALSE(Outlook::of(&empty, at(0s)));
  ModelForecast stepless = certain({1}, 0s);
  EXPECT_FALSE(Outlook::of(&stepless, at(0s)));
  EXPECT_FALSE(Outlook::of(nullptr, at(0s)));
}

TEST(Outlook, AForecastThatRanOutOrLiesFarAheadIsNone) {
  ModelForecast forecast = certain({1, 2});
  EXPECT_TRUE(Outlook::of(&forecast, at(19s)));
  EXPECT_FALSE(Outlook::of(&forecast, at(20s)));
  EXPECT_TRUE(Outlook::of(&forecast, at(-10s)));
  EXPECT_FALSE(Outlook::of(&forecast, at(-11s)));
  forecast.forecast.start = TimePoint::min();
  EXPECT_FALSE(Outlook::of(&forecast, at(0s)));
  forecast.forecast.start = kNever;
  EXPECT_FALSE(Outlook::of(&forecast, at(0s)));
}

TEST(Trust, IsEarnedOnlyByBeatingTheLastValueRule) {
  constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
  Trust trust;
  EXPECT_FALSE(trust.update(kNan, kNan)) << "never scored";
  EXPECT_FALSE(trust.update(1, kNan));
  EXPECT_FALSE(trust.update(1, 1)) << "no better";
  EXPECT_TRUE(trust.update(0.9, 1));
  EXPECT_FALSE(trust.update(std::numeric_limits<double>::infinity(), 1));
}

TEST(Trust, ATieDoesNotFlap) {
  Trust trust;
  trust.update(0.9, 1);
  for (const double loss : {0.99, 1.01, 0.99, 1.02}) EXPECT_TRUE(trust.update(loss, 1));
  EXPECT_FALSE(trust.update(1.06, 1));
  for (const double loss : {0.99, 1.01, 0.99}) EXPECT_FALSE(trust.update(loss, 1));
}

}  // namespace
}  // namespace forewarm
