#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <numeric>

#include "base/math.h"
#include "core/forecast/backtest/rolling_origin.h"
#include "core/forecast/backtest/score.h"

namespace forewarm {
namespace {

constexpr float kNone = std::numeric_limits<float>::quiet_NaN();

/// Writes down what it was shown, and says that nothing will come.
class Witness : public Forecaster {
 public:
  ModelId id() const override { return ModelId::None; }
  Result<void> fit(const SeriesView& history) override {
    fits.emplace_back(history.values.begin(), history.values.end());
    starts.push_back(history.start);
    regressor_lengths.push_back(history.regressors.empty() ? 0 : history.regressors[0].size());
    if (refuses) return error(ErrorCode::Invalid, "no");
    begin_after(history);
    fitted_ = true;
    return {};
  }
  void update(float value, std::span<const float> regressors) override {
    updates.push_back(value);
    for (const float beside : regressors) updates_beside.push_back(beside);
    pass_step();
  }
  std::vector<LevelValues> rows(std::span<const std::size_t> leads, Columns future) const override {
    future_lengths.push_back(future.empty() ? 0 : future[0].size());
    return std::vector<LevelValues>(leads.size(), LevelValues{});
  }
  std::string save() const override { return {}; }
  Result<void> load(std::string_view) override { return {}; }

  bool refuses = false;
  std::vector<std::vector<float>> fits;
  std::vector<TimePoint> starts;
  std::vector<float> updates, updates_beside;
  std::vector<std::size_t> regressor_lengths;
  mutable std::vector<std::size_t> future_lengths;

 protected:
  double persistence() const override { return 0; }
};

std::vector<float> counting(std::size_t steps) {
  std::vector<float> values(steps);
  std::iota(values.begin(), values.end(), 0.0F);
  return values;
}

std::vector<OriginForecast> run(const RollingOrigin& rolling, Forecaster& model) {
  std::vector<OriginForecast> made;
  double cpu = 0;
  rolling.run(
      model, [&] { return cpu += 1; }, [&](const OriginForecast& one) { made.push_back(one); });
  return made;
}

/// A forecast with the same quantiles at every step.
Forecast flat(const LevelValues& row, std::size_t horizon) {
  Forecast forecast{.start = TimePoint(), .step = 60s, .values = {}};
  for (std::size_t h = 0; h < horizon; ++h) append_row(row, forecast.values);
  return forecast;
}

TEST(RollingOrigin, TheLastOriginsLeaveAWholeHorizon) {
  EXPECT_EQ(last_origins(100, 10, 3, 5), (std::vector<std::size_t>{80, 85, 90}));
  EXPECT_EQ(last_origins(12, 10, 3, 1), (std::vector<std::size_t>{1, 2}));
  EXPECT_TRUE(last_origins(10, 10, 3, 1).empty());
}

TEST(RollingOrigin, AModelSeesWhatLiesBeforeTheOriginAndNothingElse) {
  const std::vector<float> values = counting(40), beside = counting(40);
  const std::span<const float> columns[] = {beside};
  const SeriesView series{
      .start = TimePoint(), .step = 60s, .values = values, .regressors = columns, .seasons = {}};
  const Result<RollingOrigin> rolling = RollingOrigin::make(
      series, {.origins = {20, 23, 26, 29}, .horizon = 4, .window = 10, .refit_every = 2});
  ASSERT_TRUE(rolling) << rolling.error().message;
  Witness model;
  const std::vector<OriginForecast> made = run(*rolling, model);
  ASSERT_EQ(model.fits.size(), 2U);
  EXPECT_EQ(model.fits[0], std::vector<float>(values.begin() + 10, values.begin() + 20));
  EXPECT_EQ(model.fits[1], std::vector<float>(values.begin() + 16, values.begin() + 26));
  EXPECT_EQ(model.starts[1], TimePoint() + 16min);
  EXPECT_EQ(model.updates, (std::vector<float>{20, 21, 22, 26, 27, 28}));
  EXPECT_EQ(model.updates_beside, model.updates);
  EXPECT_EQ(model.regressor_lengths, (std::vector<std::size_t>{10, 10}));
  EXPECT_EQ(model.future_lengths, (std::vector<std::size_t>{0, 0, 0, 0}));
  ASSERT_EQ(made.size(), 4U);
  EXPECT_EQ(made[1].forecast.start, TimePoint() + 23min);
  EXPECT_EQ(made[1].updates, 3U);
  EXPECT_FALSE(made[1].refitted);
  EXPECT_EQ(made[2].cpu_seconds, 1);
  EXPECT_EQ(rolling->came(3)[0], 29);
}

TEST(RollingOrigin, ChangingWhatComesLaterChangesNoForecast) {
  std::vector<float> values = counting(200);
  const auto forecasts = [&] {
    const SeriesView series{
        .start = TimePoint(), .step = 60s, .values = values, .regressors = {}, .seasons = {}};
    const auto rolling = RollingOrigin::make(series, {.origins = {150}, .horizon = 20});
    return std::pair(rolling->yardstick(0), rolling->season());
  };
  const auto before = forecasts();
  for (std::size_t t = 150; t < values.size(); ++t) values[t] = 1e6F;
  EXPECT_EQ(forecasts(), before);
}

TEST(RollingOrigin, RegressorsAreShownAheadOnlyIfTheyAreKnownAhead) {
  const std::vector<float> values = counting(40), beside = counting(40);
  const std::span<const float> columns[] = {beside};
  const SeriesView series{
      .start = TimePoint(), .step = 60s, .values = values, .regressors = columns, .seasons = {}};
  const auto rolling =
      RollingOrigin::make(series, {.origins = {30}, .horizon = 4, .future_regressors = true});
  Witness model;
  run(*rolling, model);
  EXPECT_EQ(model.future_lengths, std::vector<std::size_t>{4});
  EXPECT_EQ(model.fits[0].size(), 30U) << "without a window the history expands";
}

TEST(RollingOrigin, SeasonalNaiveStandsInForAModelThatCannotBeFitted) {
  const std::vector<float> values = counting(40);
  const SeriesView series{
      .start = TimePoint(), .step = 60s, .values = values, .regressors = {}, .seasons = {}};
  const auto rolling = RollingOrigin::make(series, {.origins = {20, 30}, .horizon = 4, .refit_every = 2});
  Witness model;
  model.refuses = true;
  const std::vector<OriginForecast> made = run(*rolling, model);
  EXPECT_TRUE(made[0].stands_in && made[1].stands_in);
  EXPECT_EQ(made[1].forecast, rolling->yardstick(1));
  EXPECT_TRUE(model.updates.empty()) << "what is not fitted is not moved on";
}

TEST(RollingOrigin, APlanThatDoesNotFitIsRefusedWithARemedy) {
  const std::vector<float> values = counting(40);
  const SeriesView series{
      .start = TimePoint(), .step = 60s, .values = values, .regressors = {}, .seasons = {}};
  for (const BacktestPlan& plan :
       {BacktestPlan{.origins = {}, .horizon = 48}, BacktestPlan{.origins = {30}, .horizon = 11},
        BacktestPlan{.origins = {0, 10}, .horizon = 4}, BacktestPlan{.origins = {9, 8}, .horizon = 4},
        BacktestPlan{.origins = {10}, .horizon = 0},
        BacktestPlan{.origins = {10}, .horizon = ~std::size_t{0}}})
    EXPECT_EQ(RollingOrigin::make(series, plan).error().code, ErrorCode::Invalid);
  EXPECT_NE(RollingOrigin::make(series, {.origins = {}, .horizon = 48}).error().message.find("40 steps"),
            std::string::npos);
}

TEST(SeasonalNaive, RepeatsTheLastSeasonWithItsErrors) {
  // Period 2, growing by 1 a period: errors at lag 2 are all 1, at lag 4 all 2.
  const std::vector<float> values = {10, 20, 11, 21, 12, 22};
  const std::vector<LevelValues> rows = seasonal_naive(values, 2, 3);
  EXPECT_EQ(rows[0][4], 13);
  EXPECT_EQ(rows[1][0], 23);
  EXPECT_EQ(rows[2][8], 14);
}

TEST(SeasonalNaive, TakesTheSeasonBeforeWhereSomethingIsMissing) {
  const std::vector<float> values = {10, 20, 11, 21, kNone, 22};
  EXPECT_EQ(seasonal_naive(values, 2, 1)[0][4], 12) << "11, and the mean error is 1";
  EXPECT_EQ(seasonal_naive(std::vector<float>{kNone, kNone}, 2, 2)[1][8], 0);
  EXPECT_EQ(seasonal_naive({}, 1, 1).size(), 1U);
}

TEST(SeasonalNaive, QuantilesOfErrorsAreLinearBetweenOrderStatistics) {
  // Errors at lag 1: 1, -1, 3 (and the last value is 3).
  const std::vector<float> values = {0, 1, 0, 3};
  const LevelValues row = seasonal_naive(values, 1, 1)[0];
  EXPECT_DOUBLE_EQ(row[4], 4);
  EXPECT_DOUBLE_EQ(row[3], 3 + 0.0);
  EXPECT_DOUBLE_EQ(row[8], 3 + 1 + 0.98 * 2);
  EXPECT_DOUBLE_EQ(row[0], 3 - 1 + 0.02 * 2);
}

TEST(Score, LossesAreWhatTheirDefinitionsSay) {
  const LevelValues row = {0, 1, 2, 3, 4, 5, 6, 7, 8};
  const std::vector<float> came = {6, kNone, 2}, history = {2, 4, 2, 4};
  ScoreSums sums(1);
  sums.add(flat(row, 3), {.came = came, .history = history, .fits = 1, .fit_cpu_seconds = 0.25});
  const ForecastScore score = score_of(std::span(&sums, 1), {});
  EXPECT_EQ(score.steps, 2U);
  EXPECT_DOUBLE_EQ(score.mase, 2.0 / 2.0);                              // errors 2 and 2, scale 2
  EXPECT_DOUBLE_EQ(score.smape, (200 * 2 / 10.0 + 200 * 2 / 6.0) / 2);  // 40 and 66.7
  EXPECT_DOUBLE_EQ(score.wql[4], 2 * (0.5 * 2 + 0.5 * 2) / 8);
  EXPECT_NEAR(score.wql[8], 2 * (0.01 * 2 + 0.01 * 6) / 8, 1e-12);
  EXPECT_DOUBLE_EQ(score.coverage[4], 0.5);
  EXPECT_DOUBLE_EQ(score.coverage[6], 1);
  EXPECT_DOUBLE_EQ(score.cpu_seconds_per_fit, 0.25);
  EXPECT_EQ(score.coverage_thirds[1][0], 0) << "nothing was measured in it";
}

TEST(Score, ASilentHorizonAndAnExactHistoryDivideByNothing) {
  const std::vector<float> came = {0, 0}, history = {4, 4, 4, 4};
  ScoreSums sums(1);
  sums.add(flat(LevelValues{1, 1, 1, 1, 1, 1, 1, 1, 1}, 2), {.came = came, .history = history});
  const ForecastScore score = score_of(std::span(&sums, 1), {});
  EXPECT_DOUBLE_EQ(score.wql[4], 2 * (0.5 + 0.5) / 4);  // half of 2 steps of 4
  EXPECT_DOUBLE_EQ(score.mase, 1 / 0.4);                // a tenth of the mean
}

TEST(Score, AnOriginWithoutMeasurementsCountsForNothing) {
  const std::vector<float> gap = {kNone}, came = {1}, history = {1, 2, 1};
  ScoreSums sums(1);
  sums.add(flat(LevelValues{}, 1), {.came = gap, .history = history, .stand_ins = 1, .fits = 1});
  EXPECT_EQ(score_of(std::span(&sums, 1), {}).series, 0U);
  sums.add(flat(LevelValues{}, 1), {.came = came, .history = history, .fits = 1});
  const ForecastScore score = score_of(std::span(&sums, 1), {});
  EXPECT_EQ(score.origins, 1U);
  EXPECT_EQ(score.stand_ins, 1U);
  EXPECT_TRUE(std::isnan(sums.losses()[0]));
  EXPECT_DOUBLE_EQ(score.smape, 200);
}

TEST(Score, SeriesWeighTheSameAndTheYardstickIsAGeometricMean) {
  const std::vector<float> came = {10}, history = {10, 11, 10};
  const auto sums_of = [&](double said, std::size_t origins) {
    ScoreSums sums(1);
    LevelValues row;
    row.fill(said);
    for (std::size_t i = 0; i < origins; ++i) sums.add(flat(row, 1), {.came = came, .history = history});
    return sums;
  };
  const std::vector<ScoreSums> model = {sums_of(10, 3), sums_of(12, 1)},
                               yard = {sums_of(12, 3), sums_of(12, 1)};
  const ForecastScore score = score_of(model, yard);
  EXPECT_DOUBLE_EQ(score.wql[4], 0.1);  // 0 and .2
  const double wrong = score_of(std::span(&model[1], 1), {}).wql_mean;
  EXPECT_NEAR(score.relative, sqrt(0.005 / (wrong + 0.005)), 1e-12);
}

TEST(Score, CountsAreCalibratedAsFarAsTheyCanTell) {
  // Nine zeros and a one: every level up to 90 % is rightly 0, the higher ones 1.
  const std::vector<float> came = {0, 0, 0, 0, 0, 0, 0, 0, 0, 1}, history = {0, 1, 0};
  ScoreSums sums(1);
  sums.add(flat(LevelValues{0, 0, 0, 0, 0, 0, 0, 1, 1}, 10), {.came = came, .history = history});
  const ForecastScore right = score_of(std::span(&sums, 1), {});
  EXPECT_DOUBLE_EQ(right.coverage[4], 0.9);
  EXPECT_NEAR(right.calibration_error, 0, 1e-12);
  double total = 0;
  for (const double density : right.pit) total += density / ForecastScore::kPitBins;
  EXPECT_NEAR(total, 1, 1e-9);

  ScoreSums high(1);
  high.add(flat(LevelValues{2, 2, 2, 2, 2, 2, 2, 2, 2}, 10), {.came = came, .history = history});
  const ForecastScore wrong = score_of(std::span(&high, 1), {});
  EXPECT_NEAR(wrong.calibration_error, (50 + 10 + 5 + 1) / 4.0, 1e-9);
  EXPECT_GT(wrong.pit[0], 19);
}

TEST(Score, TheIntegralTransformOfTheTrueDistributionIsFlat) {
  // Uniform on [0, 100]: the quantile at a level is 100 times it.
  LevelValues row;
  for (std::size_t level = 0; level < kForecastLevelCount; ++level) row[level] = 100 * kForecastLevels[level];
  std::vector<float> came;
  for (int i = 0; i < 1000; ++i) came.push_back(0.1F * static_cast<float>(i) + 0.05F);
  const std::vector<float> history = {0.5F, 99.5F, 50.25F};
  ScoreSums sums(1);
  sums.add(flat(row, came.size()), {.came = came, .history = history});
  const ForecastScore score = score_of(std::span(&sums, 1), {});
  for (const double density : score.pit) EXPECT_NEAR(density, 1, 0.05);
  for (std::size_t level = 0; level < kForecastLevelCount; ++level)
    EXPECT_NEAR(score.coverage[level], kForecastLevels[level], 0.002);
  EXPECT_NEAR(score.calibration_error, 0, 0.1);
}

}  // namespace
}  // namespace forewarm
