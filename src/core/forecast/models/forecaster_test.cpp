#include "core/forecast/models/models.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>

#include "core/forecast/quantile_set.h"
#include "core/forecast/state_bytes.h"

namespace forewarm {
namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr std::size_t kMedian = 4;
constexpr std::size_t kTop = kForecastLevelCount - 1;
const TimePoint kStart(1'700'000'000s);

using Values = std::vector<float>;
using Seasons = std::vector<std::uint32_t>;

Values series(std::size_t steps, const std::function<double(std::size_t)>& value) {
  Values values(steps);
  for (std::size_t t = 0; t < steps; ++t) values[t] = static_cast<float>(value(t));
  return values;
}

SeriesView view(const Values& values, const Seasons& seasons) {
  return {.start = kStart, .step = 10s, .values = values, .regressors = {}, .seasons = seasons};
}

void expect_promises_kept(const Forecast& forecast, std::size_t horizon) {
  ASSERT_EQ(forecast.horizon(), horizon);
  for (std::size_t h = 0; h < horizon; ++h) {
    float before = 0;
    for (std::size_t level = 0; level < kForecastLevelCount; ++level) {
      ASSERT_TRUE(std::isfinite(forecast.at(h, level))) << h << " " << level;
      ASSERT_GE(forecast.at(h, level), before) << h << " " << level;
      before = forecast.at(h, level);
    }
  }
}

class EveryModel : public testing::TestWithParam<ModelMaker> {
 protected:
  std::unique_ptr<Forecaster> model_ = GetParam().make();

  Forecast forecast_of(const Values& values, const Seasons& seasons, std::size_t horizon = 60) {
    EXPECT_TRUE(model_->fit(view(values, seasons)));
    return model_->predict(horizon, {});
  }
};

std::vector<ModelMaker> tested_makers() {
  std::vector<ModelMaker> makers(std::begin(kModelMakers), std::end(kModelMakers));
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  // The network's hundreds of fits would take an hour there; its own tests fit it a few times.
  std::erase_if(makers, [](const ModelMaker& maker) { return maker.id == ModelId::RecurrentNetwork; });
#endif
  return makers;
}

INSTANTIATE_TEST_SUITE_P(Forecasters, EveryModel, testing::ValuesIn(tested_makers()), [](const auto& made) {
  return std::string(kModelNames[static_cast<std::size_t>(made.param.id)]);
});

TEST_P(EveryModel, GivesFiniteOrderedNonNegativeQuantilesForAnyHistory) {
  Random random(6);
  const std::vector<Values> histories = {
      series(200, [](std::size_t) { return 7; }),
      series(8, [](std::size_t t) { return t; }),
      series(500, [](std::size_t) { return 0; }),
      series(500, [](std::size_t t) { return t % 40 < 15 ? NAN : 3; }),
      series(500, [](std::size_t t) { return t > 300 ? NAN : 3; }),
      series(500, [](std::size_t t) { return t < 490 ? NAN : 3; }),
      series(300, [](std::size_t t) { return t % 2 == 0 ? 1e12 : 0; }),
      series(300, [](std::size_t t) { return t % 5 == 0 ? -1e30 : -3; }),
      series(300, [](std::size_t t) { return t == 299 ? 3e38 : 1; }),
      series(300, [](std::size_t t) { return t % 9 == 0   ? INFINITY
                                             : t % 7 == 0 ? -INFINITY
                                                          : 4; }),
      series(400, [](std::size_t t) { return t == 200 ? 1e9 : 2; }),
      series(400, [](std::size_t t) { return t < 390 ? 5 : 5e6; }),
      series(400, [](std::size_t t) { return t < 390 ? 5e6 : 0; }),
      series(2000, [&](std::size_t) { return random.log_normal(0, 6); }),
      series(2000, [](std::size_t t) { return std::exp(0.03 * static_cast<double>(t)); }),
  };
  for (const Values& values : histories) {
    for (const Seasons& seasons :
         {Seasons{}, Seasons{2}, Seasons{5, 60}, Seasons{0, 1, 7, 499, 100'000, 4'000'000'000}}) {
      expect_promises_kept(forecast_of(values, seasons, 200), 200);
      for (const float value : {1e30F, -5.0F, kNan, 0.0F, std::numeric_limits<float>::infinity()}) {
        for (int i = 0; i < 20; ++i) model_->update(value, {});
        expect_promises_kept(model_->predict(30, {}), 30);
        for (const float draw : model_->sample_paths(5, 20, {}, random))
          ASSERT_TRUE(std::isfinite(draw) && draw >= 0);
      }
    }
  }
}

TEST_P(EveryModel, RefusesAHistoryThatIsTooShortAndThenPredictsNothing) {
  Random random(1);
  for (const Values& values : {Values{}, Values{5}, Values(7, 1.0F), Values(5000, kNan)}) {
    const Result<void> fitted = model_->fit(view(values, {}));
    ASSERT_FALSE(fitted);
    EXPECT_EQ(fitted.error().code, ErrorCode::Invalid);
    EXPECT_EQ(model_->predict(60, {}).horizon(), 0U);
    EXPECT_TRUE(model_->sample_paths(60, 3, {}, random).empty());
    model_->update(1, {});
  }
}

TEST_P(EveryModel, AConstantIsForeseenExactly) {
  const Forecast forecast = forecast_of(Values(300, 7.0F), {60});
  for (const float value : forecast.values) ASSERT_NEAR(value, 7, 1e-4);
}

TEST_P(EveryModel, ForecastsStartAfterTheLastStepAndMoveOnWithUpdates) {
  EXPECT_EQ(forecast_of(Values(100, 1.0F), {}).start, kStart + 1000s);
  model_->update(1, {});
  EXPECT_EQ(model_->predict(1, {}).start, kStart + 1010s);
}

TEST_P(EveryModel, UpdatesKeepTheSeasonInPhase) {
  const auto wave = [](std::size_t t) { return t % 12 == 5 ? 120.0 : 4.0; };
  forecast_of(series(1200, wave), {12});
  for (std::size_t t = 1200; t < 1207; ++t) model_->update(static_cast<float>(wave(t)), {});
  const Forecast forecast = model_->predict(24, {});
  for (std::size_t h = 0; h < 24; ++h) ASSERT_NEAR(forecast.at(h, kMedian), wave(1207 + h), 6) << h;
}

TEST_P(EveryModel, FollowsAShiftOfTheLevelBeforeTheNextFit) {
  Random random(9);
  forecast_of(series(600, [&](std::size_t) { return static_cast<double>(random.poisson(10)); }), {});
  for (int i = 0; i < 200; ++i) model_->update(static_cast<float>(random.poisson(60)), {});
  EXPECT_GT(model_->predict(1, {}).at(0, kMedian), 25);  // from 10 towards 60, with the old weights
}

TEST_P(EveryModel, QuantilesOfPoissonCountsCoverWhatTheySay) {
  std::array<double, kForecastLevelCount> covered{};
  double count = 0;
  for (std::uint64_t seed = 0; seed < 30; ++seed) {
    Random random(seed);
    const auto draw = [&] { return static_cast<float>(random.poisson(20)); };
    const Forecast forecast = forecast_of(series(1500, [&](std::size_t) { return draw(); }), {}, 30);
    for (std::size_t h = 0; h < 30; ++h) {
      for (int i = 0; i < 20; ++i) {
        const float value = draw();
        for (std::size_t level = 0; level < kForecastLevelCount; ++level) {
          covered[level] += value <= forecast.at(h, level) ? 1 : 0;
        }
        ++count;
      }
    }
  }
  for (std::size_t level = 0; level < kForecastLevelCount; ++level) {
    EXPECT_NEAR(covered[level] / count, kForecastLevels[level], 0.07) << kForecastLevels[level];
  }
}

TEST_P(EveryModel, MarginalsOfSamplePathsAgreeWithTheForecast) {
  Random random(14);
  const Values values =
      series(1500, [&](std::size_t t) { return static_cast<double>(random.poisson(t % 20 == 3 ? 90 : 8)); });
  const Forecast forecast = forecast_of(values, {20}, 25);
  constexpr std::size_t kPaths = 8000;
  const std::vector<float> paths = model_->sample_paths(25, kPaths, {}, random);
  ASSERT_EQ(paths.size(), 25 * kPaths);
  for (std::size_t h = 0; h < 25; ++h) {
    for (std::size_t level = 0; level < kForecastLevelCount; ++level) {
      double at_or_below = 0, below = 0;
      for (std::size_t path = 0; path < kPaths; ++path) {
        at_or_below += paths[path * 25 + h] <= forecast.at(h, level) + 1e-4F ? 1 : 0;
        below += paths[path * 25 + h] < forecast.at(h, level) - 1e-4F ? 1 : 0;
      }
      EXPECT_GT(at_or_below / kPaths, kForecastLevels[level] - 0.02) << h << " " << kForecastLevels[level];
      EXPECT_LT(below / kPaths, kForecastLevels[level] + 0.02) << h << " " << kForecastLevels[level];
    }
  }
}

TEST_P(EveryModel, PathsOfAWanderingSeriesStayHighOrLowTogether) {
  Random random(3);
  double level = 0;
  const Values values = series(3000, [&](std::size_t) {
    level = 0.97 * level + random.normal();
    return std::max(0.0, 100 + 10 * level);
  });
  forecast_of(values, {}, 30);
  const std::vector<float> paths = model_->sample_paths(30, 4000, {}, random);
  double a = 0, b = 0, aa = 0, bb = 0, ab = 0;
  for (std::size_t path = 0; path < 4000; ++path) {
    const double x = paths[path * 30 + 20], y = paths[path * 30 + 21];
    a += x, b += y, aa += x * x, bb += y * y, ab += x * y;
  }
  const double correlation = (ab - a * b / 4000) / std::sqrt((aa - a * a / 4000) * (bb - b * b / 4000));
  EXPECT_GT(correlation, 0.5);
}

TEST_P(EveryModel, ASavedStatePredictsTheSameBitsAlsoAfterUpdates) {
  Random random(2);
  const Values values = series(700, [&](std::size_t t) {
    return t % 50 == 9 ? NAN : static_cast<double>(random.poisson(t % 12 == 0 ? 40 : 5));
  });
  forecast_of(values, {12, 60});
  model_->update(3, {});
  const std::unique_ptr<Forecaster> copy = GetParam().make();
  ASSERT_TRUE(copy->load(model_->save()));
  EXPECT_EQ(copy->predict(100, {}), model_->predict(100, {}));
  for (int i = 0; i < 30; ++i) {
    model_->update(static_cast<float>(i), {});
    copy->update(static_cast<float>(i), {});
  }
  EXPECT_EQ(copy->predict(100, {}), model_->predict(100, {}));
  EXPECT_EQ(copy->save(), model_->save());
  Random one(5), other(5);
  EXPECT_EQ(copy->sample_paths(20, 10, {}, one), model_->sample_paths(20, 10, {}, other));
}

TEST_P(EveryModel, DamagedStatesAreRefusedAndChangeNothing) {
  Random random(2);
  const Forecast before = forecast_of(series(300, [](std::size_t t) { return t % 12; }), {12});
  const std::string state = model_->save();
  for (std::size_t length = 0; length < state.size(); length += 7) {
    ASSERT_FALSE(model_->load(state.substr(0, length)));
  }
  for (int i = 0; i < 2000; ++i) {
    std::string damaged = state;
    damaged[random.below(damaged.size())] ^= static_cast<char>(1 + random.below(255));
    ASSERT_FALSE(model_->load(damaged));
  }
  ASSERT_FALSE(model_->load(state + state));
  EXPECT_EQ(model_->predict(60, {}), before);
}

TEST_P(EveryModel, AForgedStateIsRefusedOrKeepsThePromises) {
  Random random(12);
  forecast_of(series(120, [](std::size_t t) { return t % 12; }), {12});
  const std::string state = model_->save();
  int accepted = 0;
  for (int i = 0; i < 4000; ++i) {
    std::string forged = state.substr(2, state.size() - 2 - sizeof(std::uint64_t));
    for (std::uint64_t damage = 1 + random.below(3); damage > 0; --damage) {
      forged[random.below(forged.size())] = static_cast<char>(random.chance(0.5) ? 255 : random.below(256));
    }
    StateWriter writer(model_->id(), static_cast<std::uint8_t>(state[1]));
    for (const char byte : forged) writer(byte);
    const std::unique_ptr<Forecaster> victim = GetParam().make();
    if (!victim->load(writer.finish())) continue;
    ++accepted;
    const Forecast forecast = victim->predict(40, {});
    if (forecast.horizon() > 0) expect_promises_kept(forecast, 40);
    victim->update(3, {});
    for (const float draw : victim->sample_paths(5, 2, {}, random))
      ASSERT_TRUE(std::isfinite(draw) && draw >= 0);
  }
  EXPECT_GT(accepted, 100);  // the test reaches beyond the checksum
}

TEST_P(EveryModel, AStateOfAnotherModelIsRefused) {
  for (const ModelMaker& maker : kModelMakers) {
    EXPECT_EQ(model_->load(maker.make()->save()).has_value(), maker.id == model_->id());
  }
}

TEST(SeasonalQuantiles, ATimersSpikesAreForeseenExactlyAndTheZerosBetweenToo) {
  const auto model = make_seasonal_quantiles();
  const auto timer = [](std::size_t t) { return t % 60 == 17 ? 250.0 : 0.0; };
  ASSERT_TRUE(model->fit(view(series(2000, timer), {60})));
  const Forecast forecast = model->predict(120, {});
  for (std::size_t h = 0; h < 120; ++h) {
    for (std::size_t level = 0; level < kForecastLevelCount; ++level) {
      ASSERT_NEAR(forecast.at(h, level), timer(2000 + h), 1e-3) << h << " " << level;
    }
  }
}

TEST(SeasonalQuantiles, SparseCountsKeepAZeroMedianAndATailThatIsNotZero) {
  Random random(5);
  const auto model = make_seasonal_quantiles();
  ASSERT_TRUE(model->fit(
      view(series(3000, [&](std::size_t) { return static_cast<double>(random.poisson(0.08)); }), {})));
  const Forecast forecast = model->predict(60, {});
  for (std::size_t h = 0; h < 60; ++h) {
    ASSERT_LT(forecast.at(h, kMedian), 0.05);
    ASSERT_GT(forecast.at(h, kTop), 0.5);
    ASSERT_LT(forecast.at(h, kTop), 4);
  }
}

TEST(SeasonalQuantiles, ABatchWhoseSizeVariesHasThatSizesDistribution) {
  Random random(5);
  const auto model = make_seasonal_quantiles();
  const Values values =
      series(4320, [&](std::size_t t) { return t % 90 == 4 ? 50 + 100 * random.uniform() : 0; });
  ASSERT_TRUE(model->fit(view(values, {90})));
  const Forecast forecast = model->predict(90, {});
  EXPECT_NEAR(forecast.at(4, kMedian), 100, 20);
  EXPECT_GT(forecast.at(4, kTop), 125);
  EXPECT_LT(forecast.at(4, 0), 80);
  EXPECT_NEAR(forecast.at(5, kTop), 0, 5);
}

TEST(ExponentialSmoothing, ATrendIsFollowedAndDamped) {
  const auto model = make_exponential_smoothing();
  ASSERT_TRUE(
      model->fit(view(series(400, [](std::size_t t) { return 100 + 2 * static_cast<double>(t); }), {})));
  const Forecast forecast = model->predict(60, {});
  EXPECT_NEAR(forecast.at(0, kMedian), 900, 10);
  EXPECT_GT(forecast.at(9, kMedian), 905);
  EXPECT_LT(forecast.at(59, kMedian), 1100);
}

TEST(ExponentialSmoothing, ADailyWaveIsForeseenADayAhead) {
  Random random(7);
  const auto wave = [](std::size_t t) { return 50 + 40 * std::sin(2 * M_PI * static_cast<double>(t) / 288); };
  const auto model = make_exponential_smoothing();
  ASSERT_TRUE(model->fit(view(
      series(288 * 6, [&](std::size_t t) { return static_cast<double>(random.poisson(wave(t))); }), {288})));
  const Forecast forecast = model->predict(288, {});
  for (std::size_t h = 0; h < 288; h += 12) EXPECT_NEAR(forecast.at(h, kMedian), wave(288 * 6 + h), 14) << h;
}

TEST(WeightedQuantiles, AreExactOnKnownSamples) {
  std::vector<WeightedValue> one = {{3, 1}};
  for (const double value : weighted_quantiles(one)) EXPECT_EQ(value, 3);
  std::vector<WeightedValue> many;
  for (int i = 100; i > 0; --i) many.push_back({i - 0.5, 1});
  const LevelValues quantiles = weighted_quantiles(many);
  for (std::size_t level = 0; level < kForecastLevelCount; ++level) {
    EXPECT_NEAR(quantiles[level], 100 * kForecastLevels[level], 1e-9);
  }
  std::vector<WeightedValue> uneven = {{0, 99}, {10, 1}};
  EXPECT_EQ(weighted_quantiles(uneven)[0], 0);
  EXPECT_LT(weighted_quantiles(uneven)[kMedian], 0.2);
}

}  // namespace
}  // namespace forewarm
