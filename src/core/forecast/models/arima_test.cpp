#include <gtest/gtest.h>

#include <charconv>
#include <cmath>
#include <fstream>
#include <limits>
#include <map>
#include <sstream>
#include <string>

#include "base/random.h"
#include "core/forecast/models/arima_order.h"
#include "core/forecast/models/arima_state.h"
#include "core/forecast/models/models.h"

namespace forewarm {
namespace {

constexpr double kNoValue = std::numeric_limits<double>::quiet_NaN();

/// Lines of a file of stored reference results, without the header, as cells.
std::vector<std::vector<std::string>> reference_lines(const std::string& name) {
  std::ifstream file(std::string(FOREWARM_SOURCE_DIR) + "/tests/reference/arima/" + name);
  std::vector<std::vector<std::string>> lines;
  std::string line;
  std::getline(file, line);
  while (std::getline(file, line)) {
    std::vector<std::string> cells;
    std::stringstream stream(line);
    for (std::string cell; std::getline(stream, cell, ',');) cells.push_back(cell);
    if (line.ends_with(',')) cells.emplace_back();
    lines.push_back(std::move(cells));
  }
  return lines;
}

std::map<std::string, std::vector<double>> reference_series() {
  std::map<std::string, std::vector<double>> all;
  for (const auto& cells : reference_lines("series.csv"))
    all[cells.at(0)].push_back(cells.at(2).empty() ? kNoValue : std::stod(cells.at(2)));
  return all;
}

ArimaOrder order_of(const std::vector<std::string>& cells) {
  const auto number = [&](std::size_t i) { return static_cast<std::uint8_t>(std::stoi(cells.at(i))); };
  return {.ar = number(2),
          .differences = number(3),
          .ma = number(4),
          .seasonal_ar = number(5),
          .seasonal_differences = number(6),
          .seasonal_ma = number(7),
          .constant = number(8) == 1,
          .period = static_cast<std::uint32_t>(std::stoul(cells.at(1)))};
}

TEST(ArimaFit, LikelihoodAndForecastsAreThoseOfR) {
  const auto series = reference_series();
  constexpr std::size_t kLeads[] = {1, 2, 5, 12, 24};
  const auto lines = reference_lines("expected.csv");
  ASSERT_GE(lines.size(), 26U);
  for (const auto& cells : lines) {
    const std::vector<double>& values = series.at(cells.at(0));
    const ArimaOrder order = order_of(cells);
    const ArimaSeries prepared(values, order);
    const ArimaFit fit = fit_likelihood(prepared, fit_conditional(prepared, order, nullptr));
    std::string name = cells[0];
    for (std::size_t i = 2; i < 9; ++i) name += " " + cells[i];
    EXPECT_NEAR(fit.log_likelihood, std::stod(cells.at(9)), 0.5) << name;
    double expected[std::size(kLeads)];
    settled_state(prepared, fit).expected(kLeads, expected);
    for (std::size_t i = 0; i < std::size(kLeads); ++i) {
      const double theirs = std::stod(cells.at(10 + i));
      EXPECT_NEAR(expected[i], theirs, 0.01 * std::abs(theirs)) << name << " ahead " << kLeads[i];
    }
  }
}

TEST(ArimaOrder, TheSearchReachesTheCriterionOfR) {
  const auto series = reference_series();
  const auto lines = reference_lines("automatic.csv");
  ASSERT_GE(lines.size(), 10U);
  for (const auto& cells : lines) {
    const auto period = static_cast<std::uint32_t>(std::stoul(cells.at(1)));
    const ArimaFit fit = search_arima(series.at(cells.at(0)), {.period = period});
    EXPECT_EQ(std::to_string(fit.order.differences), cells.at(2)) << cells[0];
    EXPECT_EQ(std::to_string(fit.order.seasonal_differences), cells.at(3)) << cells[0];
    EXPECT_LT(fit.aicc, std::stod(cells.at(4)) + 2) << cells[0];
  }
}

TEST(ArimaFilter, TheFastFormGivesTheSlowOnesInnovations) {
  Random random(8);
  std::vector<double> w(90);
  for (double& value : w) value = random.normal();
  const ArimaOrder order{.ar = 2, .ma = 1, .seasonal_ar = 1, .seasonal_ma = 2, .period = 7};
  const ArimaProcess process =
      multiply_out(order, to_coefficients(order, std::vector<double>{0.5, -0.4, 0.7, 0.3, 0.6, -0.2}), 0);
  ArimaInnovations slow, fast;
  ASSERT_TRUE(filter_with_gaps(process, w, slow));
  std::vector<double> columns(w);
  for (const double value : w) columns.push_back(2 * value);
  ASSERT_TRUE(whiten(process, columns, w.size(), fast));
  EXPECT_NEAR(fast.log_variances, slow.log_variances, 1e-6);
  for (std::size_t t = 0; t < w.size(); ++t) {
    ASSERT_NEAR(columns[t], slow.standardized[t], 1e-6) << t;
    ASSERT_NEAR(columns[w.size() + t], 2 * slow.standardized[t], 2e-6) << t;
  }
  ASSERT_EQ(fast.state.size(), slow.state.size());
  for (std::size_t i = 0; i < fast.state.size(); ++i) ASSERT_NEAR(fast.state[i], slow.state[i], 1e-6) << i;
}

TEST(ArimaProcess, AutocovariancesAreTheClosedFormsOfMixedProcesses) {
  const ArimaOrder order{.ar = 1, .ma = 1};
  const double phi = 0.7, theta = -0.2;
  const std::vector<double> gamma = autocovariances(multiply_out(order, std::vector<double>{phi, theta}, 0));
  ASSERT_EQ(gamma.size(), 2U);
  EXPECT_NEAR(gamma[0], (1 + 2 * phi * theta + theta * theta) / (1 - phi * phi), 1e-12);
  EXPECT_NEAR(gamma[1], (1 + phi * theta) * (phi + theta) / (1 - phi * phi), 1e-12);
}

TEST(ArimaProcess, AnyNumbersBecomeAStationaryAndInvertibleModel) {
  Random random(4);
  for (int i = 0; i < 60; ++i) {
    const ArimaOrder order{.ar = 4, .ma = 3, .seasonal_ar = 2, .seasonal_ma = 1, .period = 6};
    std::vector<double> free(order.lags());
    for (double& value : free) value = 0.4 * random.normal();
    const ArimaProcess process = multiply_out(order, to_coefficients(order, free), 0);
    const std::vector<double> psi = psi_weights(process, 4'000);
    ASSERT_LT(std::abs(psi.back()), 1e-3 * (1 + std::abs(psi[50])));
    ArimaProcess inverse = process;  // the surprises as a process of the values
    std::swap(inverse.ar, inverse.ma);
    for (LagWeight& weight : inverse.ar) weight.weight = -weight.weight;
    for (LagWeight& weight : inverse.ma) weight.weight = -weight.weight;
    ASSERT_LT(std::abs(psi_weights(inverse, 4'000).back()), 1e-3);
  }
}

TEST(ArimaState, UpdatesMeetTheFilterOverTheWholeSeries) {
  const std::vector<double> values = reference_series().at("season");
  const ArimaOrder order{.ar = 1, .differences = 1, .ma = 1, .seasonal_ma = 1, .period = 12};
  const std::vector<double> coefficients = {0.3, -0.4, 0.2};
  const ArimaProcess process = multiply_out(order, coefficients, 0);
  ArimaInnovations whole, part;
  ASSERT_TRUE(filter_with_gaps(process, values, whole));
  ASSERT_TRUE(filter_with_gaps(process, std::span(values).first(100), part));
  ArimaState state(process, part.state, part.past);
  for (std::size_t t = 100; t < values.size(); ++t) state.update(values[t]);
  const std::size_t leads[] = {1, 3, 30};
  double ours[3], theirs[3];
  state.expected(leads, ours);
  ArimaState(process, whole.state, whole.past).expected(leads, theirs);
  for (int i = 0; i < 3; ++i) EXPECT_NEAR(ours[i], theirs[i], 1e-3);
}

TEST(ArimaOrder, StatisticsTellSeasonsAndWanderingApart) {
  Random random(2);
  std::vector<double> noise(400), walk(400), wave(400);
  for (std::size_t t = 0; t < 400; ++t) {
    noise[t] = random.normal();
    walk[t] = (t > 0 ? walk[t - 1] : 0) + random.normal();
    wave[t] = random.normal() + 4 * std::sin(2 * M_PI * static_cast<double>(t) / 24);
  }
  EXPECT_LT(kpss_statistic(noise), 0.463);
  EXPECT_GT(kpss_statistic(walk), 0.463);
  EXPECT_LT(seasonal_strength(noise, 24), 0.3);
  EXPECT_GT(seasonal_strength(wave, 24), 0.8);
  EXPECT_EQ(seasonal_strength(wave, 300), 0);
}

TEST(Arima, AnAlternatingSeriesIsForeseenWithNarrowQuantiles) {
  Random random(3);
  std::vector<float> values(600);
  double level = 0;
  for (float& value : values) {
    level = -0.95 * level + random.normal();
    value = static_cast<float>(200 + 10 * level);
  }
  const auto model = make_arima();
  ASSERT_TRUE(model->fit({.start = {}, .step = 60s, .values = values, .regressors = {}, .seasons = {}}));
  const Forecast forecast = model->predict(2, {});
  EXPECT_NEAR(forecast.quantile(0, 0.5), 200 - 0.95 * (static_cast<double>(values.back()) - 200), 6);
  EXPECT_LT(forecast.quantile(0, 0.95) - forecast.quantile(0, 0.05), 45);  // of the values: more than 100
}

}  // namespace
}  // namespace forewarm
