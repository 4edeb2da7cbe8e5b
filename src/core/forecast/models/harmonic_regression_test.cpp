#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <functional>
#include <limits>
#include <sstream>
#include <string>

#include "base/random.h"
#include "core/forecast/models/arima_regression.h"
#include "core/forecast/models/arima_state.h"
#include "core/forecast/models/harmonic_choice.h"
#include "core/forecast/models/least_squares.h"
#include "core/forecast/models/models.h"

namespace forewarm {
namespace {

constexpr float kUnmeasured = std::numeric_limits<float>::quiet_NaN();

double turns(std::size_t t, double period) {
  return 2 * M_PI * static_cast<double>(t) / period;
}

std::vector<std::vector<double>> numbers_of(const std::string& name) {
  std::ifstream reference(std::string(FOREWARM_SOURCE_DIR) + "/tests/reference/arima/" + name);
  std::vector<std::vector<double>> table;
  std::string line;
  std::getline(reference, line);
  while (std::getline(reference, line)) {
    table.emplace_back();
    std::stringstream stream(line);
    for (std::string cell; std::getline(stream, cell, ',');)
      table.back().push_back(cell.empty() ? static_cast<double>(kUnmeasured) : std::stod(cell));
  }
  return table;
}

/// A day and a week of counts, and a switch that adds to them.
struct Week {
  static constexpr std::size_t kSteps = 24 * 7 * 8;
  std::vector<float> values, toggle, noise;

  explicit Week(double added) {
    Random random(21);
    for (std::size_t t = 0; t < kSteps + 48; ++t) {
      toggle.push_back(random.chance(0.15) ? 1.0F : 0.0F);
      noise.push_back(static_cast<float>(random.normal()));
      if (t < kSteps)
        values.push_back(
            static_cast<float>(random.poisson(expected(t) + added * static_cast<double>(toggle[t]))));
    }
  }
  static double expected(std::size_t t) {
    return 120 + 60 * std::sin(turns(t, 24)) + 25 * std::cos(turns(t, 12)) + 20 * std::cos(turns(t, 168));
  }
  Columns past() {
    known = {std::span(toggle).first(kSteps), std::span(noise).first(kSteps)};
    return known;
  }
  Columns future(std::size_t steps) {
    ahead = {std::span(toggle).subspan(kSteps, steps), std::span(noise).subspan(kSteps, steps)};
    return ahead;
  }
  SeriesView view(Columns regressors) const {
    static constexpr std::uint32_t kSeasons[] = {24, 168};
    return {.start = {}, .step = 3600s, .values = values, .regressors = regressors, .seasons = kSeasons};
  }
  std::vector<std::span<const float>> known, ahead;
};

TEST(ArimaRegression, LikelihoodAndForecastsAreThoseOfR) {
  const auto table = numbers_of("regressed_series.csv");
  const auto lines = numbers_of("regressed.csv");
  ASSERT_EQ(lines.size(), 5U);
  const std::size_t steps = table.size() - 24;
  std::vector<double> values;
  for (std::size_t t = 0; t < steps; ++t) values.push_back(table[t][0]);
  Eigen::MatrixXd design(static_cast<Eigen::Index>(table.size()), 4);
  for (std::size_t t = 0; t < table.size(); ++t)
    design.row(static_cast<Eigen::Index>(t)) << 1, std::sin(turns(t, 24)), std::cos(turns(t, 24)),
        table[t][1];
  constexpr std::size_t kAhead[] = {1, 2, 5, 12, 24};
  for (const auto& line : lines) {
    const ArimaOrder order{.ar = static_cast<std::uint8_t>(line[0]),
                           .differences = static_cast<std::uint8_t>(line[1]),
                           .ma = static_cast<std::uint8_t>(line[2])};
    const ArimaRegression fit = fit_arima_regression(values, design.topRows(static_cast<Eigen::Index>(steps)),
                                                     order, Eigen::Vector4d::Zero(), {});
    EXPECT_NEAR(fit.errors.log_likelihood, line[3], 0.5);
    double expected[std::size(kAhead)];
    settled_state(ArimaSeries(fit.residuals, order), fit.errors).expected(kAhead, expected);
    for (std::size_t i = 0; i < std::size(kAhead); ++i) {
      const double ours =
          expected[i] + design.row(static_cast<Eigen::Index>(steps + kAhead[i] - 1)).dot(fit.weights);
      EXPECT_NEAR(ours, line[4 + i], 0.01 * line[4 + i]) << line[0] << line[1] << line[2] << " " << kAhead[i];
    }
  }
}

TEST(HarmonicChoice, TakesTheHarmonicsThatAreThereAndNoOthers) {
  const Week week(0);
  const std::vector<double> values(week.values.begin(), week.values.end());
  const HarmonicChoice choice = choose_harmonics(values, week.view({}).seasons, {}, {});
  const auto has = [&](std::uint32_t period, std::uint32_t order) {
    return std::any_of(choice.base.begin(), choice.base.end(), [&](const RegressionFeature& feature) {
      return feature.period == period && feature.order == order;
    });
  };
  EXPECT_TRUE(has(24, 1) && has(24, 2) && has(168, 1));
  EXPECT_FALSE(has(168, 7));  // a day again
  EXPECT_LT(choice.base.size(), 14U);
  EXPECT_TRUE(choice.regressors.empty());
}

TEST(HarmonicChoice, OfSeasonsThatAreNearEachOtherTheStrongerIsUsed) {
  const Week week(0);
  const std::vector<double> values(week.values.begin(), week.values.end());
  for (const std::vector<std::uint32_t>& seasons :
       {std::vector<std::uint32_t>{23, 24}, {24, 25}, {22, 24, 26}}) {
    for (const RegressionFeature& feature : choose_harmonics(values, seasons, {}, {}).base)
      EXPECT_TRUE(feature.order == 0 || feature.period == 24) << feature.period;
  }
}

TEST(HarmonicRegression, SeveralSeasonsAreForeseenADayAhead) {
  const Week week(0);
  const auto model = make_harmonic_regression();
  ASSERT_TRUE(model->fit(week.view({})));
  const Forecast forecast = model->predict(48, {});
  for (std::size_t h = 0; h < 48; ++h)
    EXPECT_NEAR(forecast.quantile(h, 0.5), Week::expected(Week::kSteps + h), 12) << h;
}

TEST(HarmonicRegression, AKnownRegressorIsFollowedAndAnUnknownOneIsDoneWithout) {
  Week week(150);
  const auto model = make_harmonic_regression();
  ASSERT_TRUE(model->fit(week.view(week.past())));
  const Forecast known = model->predict(48, week.future(48));
  const Forecast half = model->predict(48, week.future(20));
  const Forecast unknown = model->predict(48, {});
  for (std::size_t h = 0; h < 48; ++h) {
    const double truth =
        Week::expected(Week::kSteps + h) + 150 * static_cast<double>(week.toggle[Week::kSteps + h]);
    EXPECT_NEAR(known.quantile(h, 0.5), truth, 35) << h;
    EXPECT_EQ(half.quantile(h, 0.5), (h < 20 ? known : unknown).quantile(h, 0.5)) << h;
  }
  const double width = unknown.quantile(30, 0.95) - unknown.quantile(30, 0.05);
  EXPECT_LT(known.quantile(30, 0.95) - known.quantile(30, 0.05), 0.7 * width);
}

TEST(HarmonicRegression, ARegressorThatSaysNothingIsDropped) {
  Week week(0);
  const auto with = make_harmonic_regression(), without = make_harmonic_regression();
  ASSERT_TRUE(with->fit(week.view(week.past())));
  ASSERT_TRUE(without->fit(week.view({})));
  const Forecast a = with->predict(48, week.future(48)), b = without->predict(48, {});
  for (std::size_t h = 0; h < 48; ++h) EXPECT_NEAR(a.quantile(h, 0.5), b.quantile(h, 0.5), 6) << h;
}

TEST(HarmonicRegression, ARegressorShorterThanTheHistoryIsRefused) {
  Week week(0);
  const std::span<const float> cut[] = {std::span(week.toggle).first(100)};
  const Result<void> fitted = make_harmonic_regression()->fit(week.view(cut));
  ASSERT_FALSE(fitted);
  EXPECT_EQ(fitted.error().message, "a regressor has 100 steps, but the history has 1344");
}

TEST(HarmonicRegression, ASavedStateKnowsItsRegressors) {
  Week week(150);
  const auto model = make_harmonic_regression(), copy = make_harmonic_regression();
  ASSERT_TRUE(model->fit(week.view(week.past())));
  ASSERT_TRUE(copy->load(model->save()));
  for (Forecaster* one : {model.get(), copy.get()}) {
    const float now[] = {1, kUnmeasured};
    one->update(300, now);
  }
  EXPECT_EQ(copy->predict(40, week.future(40)), model->predict(40, week.future(40)));
}

TEST(LeastSquares, ProductsOfColumnsAreThoseOfTheDefinition) {
  Eigen::MatrixXd columns(1300, 3);
  for (Eigen::Index t = 0; t < columns.rows(); ++t)
    columns.row(t) << static_cast<double>(t % 7), 1, static_cast<double>(t % 3) - 1;
  const Eigen::MatrixXd products = products_of_columns(columns);
  for (Eigen::Index i = 0; i < 3; ++i) {
    for (Eigen::Index k = 0; k < 3; ++k) {
      double sum = 0;
      for (Eigen::Index t = 0; t < columns.rows(); ++t) sum += columns(t, i) * columns(t, k);
      EXPECT_DOUBLE_EQ(products(i, k), sum);
    }
  }
}

}  // namespace
}  // namespace forewarm
