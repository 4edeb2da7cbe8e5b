#include "core/forecast/ensemble/ensemble.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>

#include "base/random.h"

namespace forewarm {
namespace {

using Series = std::vector<float>;
using Periods = std::vector<std::uint32_t>;

Series made(std::size_t steps, const std::function<double(std::size_t)>& value) {
  Series values(steps);
  for (std::size_t t = 0; t < steps; ++t) values[t] = static_cast<float>(value(t));
  return values;
}

SeriesView seen(const Series& values, const Periods& seasons) {
  return {.start = TimePoint(500s), .step = 10s, .values = values, .regressors = {}, .seasons = seasons};
}

Forecast fitted_forecast(Ensemble& ensemble, const Series& values, const Periods& seasons,
                         std::size_t horizon = 60) {
  EXPECT_TRUE(ensemble.fit(seen(values, seasons)));
  return ensemble.predict(horizon, {});
}

class EnsembleOf : public testing::TestWithParam<EnsembleSize> {};

// In a sanitized build the whole one's recurrent network would take minutes here.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
INSTANTIATE_TEST_SUITE_P(Light, EnsembleOf, testing::Values(EnsembleSize::Light));
#else
INSTANTIATE_TEST_SUITE_P(LightAndWhole, EnsembleOf,
                         testing::Values(EnsembleSize::Light, EnsembleSize::Whole));
#endif

TEST_P(EnsembleOf, GivesFiniteOrderedNonNegativeQuantilesForAnyHistory) {
  Random random(6);
  const std::vector<Series> histories = {
      made(8, [](std::size_t t) { return t; }),
      made(30, [](std::size_t) { return 2; }),
      made(500, [](std::size_t) { return 0; }),
      made(500, [](std::size_t t) { return t % 40 < 15 ? NAN : 3; }),
      made(500, [](std::size_t t) { return t < 490 ? NAN : 3; }),
      made(300, [](std::size_t t) { return t % 2 == 0 ? 1e12 : 0; }),
      made(300, [](std::size_t t) { return t % 5 == 0 ? -1e30 : -3; }),
      made(300, [](std::size_t t) { return t == 299 ? 3e38 : 1; }),
      made(400, [](std::size_t t) { return t == 200 ? 1e9 : 2; }),
      made(400, [](std::size_t t) { return t < 390 ? 5 : 5e6; }),
      made(2000, [&](std::size_t) { return random.log_normal(0, 6); }),
      made(2000, [](std::size_t t) { return std::exp(0.03 * static_cast<double>(t)); }),
  };
  for (const Series& values : histories) {
    for (const Periods& seasons : {Periods{5, 60}, Periods{0, 1, 7, 499, 4'000'000'000}}) {
      Ensemble ensemble(GetParam());
      EXPECT_TRUE(ensemble.fit(seen(values, seasons)));
      for (const float next : {std::numeric_limits<float>::quiet_NaN(), 1e30F, -5.0F, 0.0F}) {
        const Forecast forecast = ensemble.predict(100, {});
        ASSERT_EQ(forecast.horizon(), 100U);
        for (std::size_t h = 0; h < forecast.horizon(); ++h) {
          float before = 0;
          for (std::size_t level = 0; level < kForecastLevelCount; ++level) {
            ASSERT_TRUE(std::isfinite(forecast.at(h, level)) && forecast.at(h, level) >= before);
            before = forecast.at(h, level);
          }
        }
        ensemble.update(next, {});
      }
    }
  }
}

TEST(Ensemble, RefusesAHistoryThatIsTooShortAndThenPredictsNothing) {
  Ensemble ensemble(EnsembleSize::Light);
  EXPECT_EQ(ensemble.fit(seen(Series(7, 1.0F), {})).error().code, ErrorCode::Invalid);
  EXPECT_EQ(ensemble.predict(10, {}).horizon(), 0U);
  const std::size_t leads[] = {1};
  EXPECT_TRUE(ensemble.voices(leads).empty());
}

TEST(Ensemble, ATimerIsForeseenExactly) {
  Ensemble ensemble(EnsembleSize::Light);
  const Series timer = made(1500, [](std::size_t t) { return t % 30 == 2 ? 80 : 0; });
  const Forecast forecast = fitted_forecast(ensemble, timer, {30});
  for (std::size_t h = 0; h < 60; ++h) {
    EXPECT_NEAR(forecast.at(h, 1), h % 30 == 2 ? 80 : 0, 4) << h;
    EXPECT_NEAR(forecast.at(h, 7), h % 30 == 2 ? 80 : 0, 4) << h;
  }
}

TEST(Ensemble, QuantilesOfPoissonCountsCoverWhatTheySay) {
  Random random(11);
  LevelValues below{}, at{};
  constexpr int kRounds = 25;
  for (int round = 0; round < kRounds; ++round) {
    const auto draw = [&](std::size_t t) {
      return static_cast<double>(random.poisson(t % 48 < 24 ? 30 : 6));
    };
    const Series values = made(700, draw);
    Ensemble ensemble(EnsembleSize::Light, 20);
    const Forecast forecast = fitted_forecast(ensemble, values, {48}, 20);
    for (std::size_t h = 0; h < 20; ++h) {
      const double value = draw(700 + h);
      for (std::size_t level = 0; level < kForecastLevelCount; ++level) {
        below[level] += (value < forecast.at(h, level) - 0.5 ? 1 : 0) / (20.0 * kRounds);
        at[level] += (value <= forecast.at(h, level) + 0.5 ? 1 : 0) / (20.0 * kRounds);
      }
    }
  }
  for (std::size_t level = 0; level < kForecastLevelCount; ++level) {
    EXPECT_LT(below[level], kForecastLevels[level] + 0.06) << level;
    EXPECT_GT(at[level], kForecastLevels[level] - 0.06) << level;
  }
}

TEST(Ensemble, SharesOfTheVoicesSumToOneAndMakeTheMix) {
  Random random(5);
  Ensemble ensemble(EnsembleSize::Light);
  fitted_forecast(ensemble, made(900, [&](std::size_t t) { return random.poisson(t % 60 < 9 ? 50 : 5); }),
                  {60});
  const std::size_t leads[] = {1, 10, 60};
  const std::vector<std::vector<ExpertVoice>> voices = ensemble.voices(leads);
  ASSERT_EQ(voices.size(), 3U);
  for (const std::vector<ExpertVoice>& row : voices) {
    double lower = 0, upper = 0;
    for (const ExpertVoice& voice : row) {
      EXPECT_GE(voice.share.lower, 0);
      lower += voice.share.lower;
      upper += voice.share.upper;
    }
    EXPECT_NEAR(lower, 1, 1e-9);
    EXPECT_NEAR(upper, 1, 1e-9);
  }
}

TEST(Ensemble, SaysWhatItIsCarriedByTheMostFirst) {
  Random random(5);
  Ensemble ensemble(EnsembleSize::Light);
  const std::size_t leads[] = {1, 10, 30};
  EXPECT_TRUE(ensemble.reasons(leads).empty());
  fitted_forecast(ensemble, made(900, [&](std::size_t t) { return random.poisson(t % 60 < 9 ? 50 : 5); }),
                  {60});
  double total = 0, before = 1;
  for (const ForecastReason& carrier : ensemble.carriers(leads)) {
    EXPECT_LE(carrier.share, before);
    EXPECT_TRUE(carrier.kind != ForecastReason::Kind::Season || carrier.steps == 60);
    before = carrier.share;
    total += carrier.share;
  }
  EXPECT_NEAR(total, 1, 1e-9);
}

TEST(Ensemble, SaysWhichBatchesItSaw) {
  Random random(7);
  Ensemble ensemble(EnsembleSize::Light);
  fitted_forecast(
      ensemble, made(1000, [&](std::size_t t) { return random.poisson(2) + (t % 30 == 5 ? 80 : 0); }), {30});
  const std::size_t leads[] = {1};
  const std::vector<ForecastReason> reasons = ensemble.reasons(leads);
  const auto batch = std::find_if(reasons.begin(), reasons.end(), [](const ForecastReason& reason) {
    return reason.kind == ForecastReason::Kind::Batch;
  });
  ASSERT_NE(batch, reasons.end());
  EXPECT_EQ(batch->steps, 30);
  EXPECT_NEAR(batch->size, 80, 5);
  EXPECT_NEAR(batch->next, 25, 0.5);  // the next is 1025
}

TEST(Ensemble, ASavedStatePredictsTheSameBitsAlsoAfterUpdates) {
  Random random(2);
  const Series values = made(800, [&](std::size_t t) { return random.poisson(t % 60 < 9 ? 50 : 5); });
  Ensemble ensemble(EnsembleSize::Light), loaded(EnsembleSize::Light);
  fitted_forecast(ensemble, values, {60});
  ASSERT_TRUE(loaded.load(ensemble.save()));
  EXPECT_EQ(loaded.predict(60, {}), ensemble.predict(60, {}));
  for (int i = 0; i < 70; ++i) {
    ensemble.update(static_cast<float>(i), {});
    loaded.update(static_cast<float>(i), {});
  }
  EXPECT_EQ(loaded.predict(60, {}), ensemble.predict(60, {}));
  EXPECT_EQ(loaded.save(), ensemble.save());
}

TEST(Ensemble, ADamagedStateChangesNothing) {
  Ensemble ensemble(EnsembleSize::Light);
  fitted_forecast(ensemble, made(300, [](std::size_t t) { return t % 10; }), {10});
  const std::string state = ensemble.save();
  const Forecast before = ensemble.predict(60, {});
  for (std::size_t size = 0; size < state.size(); size += 211)
    EXPECT_FALSE(ensemble.load(std::string_view(state).substr(0, size))) << size;
  for (std::size_t at = 0; at < state.size(); at += 97) {
    std::string damaged = state;
    damaged[at] = static_cast<char>(damaged[at] ^ 0x41);
    EXPECT_FALSE(ensemble.load(damaged)) << at;
  }
  EXPECT_EQ(ensemble.predict(60, {}), before);
}

TEST(Ensemble, TheSameHistoryGivesTheSameBits) {
  Random random(12);
  const Series values = made(900, [&](std::size_t t) { return random.poisson(t % 60 < 9 ? 50 : 5); });
  Ensemble one(EnsembleSize::Light), other(EnsembleSize::Light);
  EXPECT_EQ(fitted_forecast(one, values, {60}), fitted_forecast(other, values, {60}));
}

}  // namespace
}  // namespace forewarm
