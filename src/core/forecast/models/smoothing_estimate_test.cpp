#include "core/forecast/models/smoothing_estimate.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <map>
#include <sstream>
#include <string>

#include "core/forecast/models/smoothing_likelihood.h"

namespace forewarm {
namespace {

using enum SmoothingPart;

/// What R's forecast::ets says; see tests/reference/ets/ets.R.
struct RecordedFit {
  std::string series;
  SmoothingForm form;
  double log_likelihood = 0, aicc = 0;
  SmoothingParameters parameters;
  SmoothingState initial;
  std::vector<double> forecast;
};
struct Recorded {
  std::map<std::string, std::vector<double>> values;
  std::map<std::string, std::uint32_t> periods;
  std::map<std::string, double> chosen_aicc;
  std::vector<RecordedFit> fits;       ///< by ets()
  std::vector<RecordedFit> likeliest;  ///< by longer searches from several starts
};

SmoothingForm form_named(const std::string& name) {
  const auto part = [](char letter) {
    return letter == 'N' ? None : letter == 'A' ? Additive : Multiplicative;
  };
  return {.error = part(name[0]),
          .trend = part(name[1]),
          .season = part(name.back()),
          .damped = name.size() == 4};
}

std::string name_of(const SmoothingForm& form) {
  const auto letter = [](SmoothingPart part) { return "NAM"[static_cast<int>(part)]; };
  return std::string{letter(form.error), letter(form.trend)} + (form.damped ? "d" : "") + letter(form.season);
}

RecordedFit read_fit(std::stringstream& line) {
  RecordedFit fit;
  std::string form, word;
  double alpha = 0, beta = 0, gamma = 0, phi = 0;
  line >> fit.series >> form >> fit.log_likelihood >> fit.aicc >> alpha >> beta >> gamma >> phi;
  fit.form = form_named(form);
  fit.parameters = {.level = alpha, .trend = beta / alpha, .damping = phi, .season = gamma / (1 - alpha)};
  std::vector<double> states;
  while (line >> word && word != "forecast") states.push_back(std::stod(word));
  const bool trend = fit.form.trend != None;
  // R has the newest season first.
  std::vector<double> season(states.rbegin(), states.rend() - (trend ? 2 : 1));
  fit.initial = SmoothingState(fit.form, states[0], trend ? states[1] : 0, season);
  for (double value = 0; line >> value;) fit.forecast.push_back(value);
  return fit;
}

const Recorded& recorded() {
  static const Recorded all = [] {
    Recorded result;
    std::ifstream file(FOREWARM_SOURCE_DIR "/tests/reference/ets/ets.txt");
    for (std::string text; std::getline(file, text);) {
      std::stringstream line(text);
      std::string kind, series, form;
      line >> kind;
      if (kind == "fit" || kind == "best") {
        (kind == "fit" ? result.fits : result.likeliest).push_back(read_fit(line));
        continue;
      }
      line >> series;
      if (kind == "choice") line >> form >> result.chosen_aicc[series];
      if (kind != "series") continue;
      line >> result.periods[series];
      for (double value = 0; line >> value;) result.values[series].push_back(value);
    }
    return result;
  }();
  return all;
}

std::vector<double> forecast_from(SmoothingState state, const SmoothingParameters& parameters,
                                  const std::vector<double>& values, std::size_t horizon) {
  for (const double value : values) state.update(value, parameters);
  std::vector<double> forecast;
  for (std::size_t h = 1; h <= horizon; ++h) {
    forecast.push_back(state.expected(h, damped_steps(h, parameters.damping)));
  }
  return forecast;
}

/// By the definition, step by step.
double log_likelihood(SmoothingState state, const SmoothingParameters& parameters,
                      const std::vector<double>& values) {
  const bool relative = state.form().error == Multiplicative;
  double squares = 0, logs = 0;
  for (const double value : values) {
    const double mean = state.expected(1, damped_steps(1, parameters.damping));
    const double error = relative ? (value - mean) / mean : value - mean;
    squares += error * error;
    if (relative) logs += std::log(mean);
    state.update(value, parameters);
  }
  return -0.5 * static_cast<double>(values.size()) * std::log(squares) - logs;
}

double largest_difference(const std::vector<double>& forecast, const std::vector<double>& expected) {
  double largest = 0;
  for (std::size_t h = 0; h < expected.size(); ++h) {
    largest = std::max(largest, std::abs(forecast[h] - expected[h]) / std::abs(expected[h]));
  }
  return largest;
}

TEST(SmoothingEstimate, WithRsParametersTheLikelihoodAndTheForecastsAreRs) {
  ASSERT_EQ(recorded().fits.size(), 110U);
  for (const RecordedFit& fit : recorded().fits) {
    const std::vector<double>& values = recorded().values.at(fit.series);
    const std::string what = fit.series + " " + name_of(fit.form);
    EXPECT_NEAR(log_likelihood(fit.initial, fit.parameters, values), fit.log_likelihood, 0.02) << what;
    // R's mean of a damped trend times a season has a term for their correlation.
    const bool exact =
        fit.form.season != Multiplicative && !(fit.form.trend == Multiplicative && fit.form.damped);
    const std::vector<double> forecast =
        forecast_from(fit.initial, fit.parameters, values, fit.forecast.size());
    EXPECT_LT(largest_difference(forecast, fit.forecast), exact ? 1e-9 : 0.01) << what;
  }
}

TEST(SmoothingEstimate, EveryFormIsAsLikelyAsInRAndForecastsTheSame) {
  ASSERT_EQ(recorded().likeliest.size(), recorded().fits.size());
  int alike = 0;
  for (std::size_t i = 0; i < recorded().fits.size(); ++i) {
    const RecordedFit& fit = recorded().fits[i];
    const RecordedFit& likeliest = recorded().likeliest[i];
    const std::vector<double>& values = recorded().values.at(fit.series);
    const std::string what = fit.series + " " + name_of(fit.form);
    const SmoothingEstimate estimate =
        estimate_smoothing(values, fit.form, recorded().periods.at(fit.series));
    EXPECT_EQ(estimate.initial.form(), fit.form) << what;
    EXPECT_NEAR(log_likelihood(estimate.initial, estimate.parameters, values), estimate.log_likelihood, 1e-6)
        << what;
    // R's own search (Nelder and Mead) often ends before the greatest likelihood.
    EXPECT_GT(estimate.log_likelihood, fit.log_likelihood - 0.5) << what;
    EXPECT_GT(estimate.log_likelihood, likeliest.log_likelihood - 0.5) << what;
    const std::vector<double> forecast =
        forecast_from(estimate.initial, estimate.parameters, values, fit.forecast.size());
    if (largest_difference(forecast, likeliest.forecast) < 0.01) ++alike;
  }
  // The others have another maximum of nearly the same likelihood, or one that no search of R found.
  EXPECT_GE(alike, 90);
}

TEST(SmoothingEstimate, TheFormChosenHasAnAiccAsSmallAsTheOneThatRChooses) {
  ASSERT_EQ(recorded().chosen_aicc.size(), 11U);
  for (const auto& [series, aicc] : recorded().chosen_aicc) {
    const SmoothingEstimate chosen =
        choose_smoothing_form(recorded().values.at(series), recorded().periods.at(series));
    EXPECT_LT(chosen.aicc, aicc + 2) << series << " " << name_of(chosen.initial.form());
  }
}

TEST(SmoothingLikelihood, ItsGradientIsThatOfSmallDifferences) {
  std::vector<double> values = recorded().values.at("monthly");
  values.resize(60);
  values[20] = values[41] = std::nan("");
  for (const RecordedFit& fit : recorded().fits) {
    if (fit.series != "monthly") continue;
    SmoothingLikelihood likelihood(values, fit.form, 12);
    std::vector<double> unknowns = likelihood.start({.level = 0.3, .trend = 0.2});
    for (std::size_t i = 0; i < unknowns.size(); ++i) unknowns[i] += 0.01 * std::sin(static_cast<double>(i));
    std::vector<double> gradient(likelihood.size());
    likelihood.value(unknowns);
    likelihood.gradient(gradient);
    for (std::size_t i = 0; i < unknowns.size(); ++i) {
      constexpr double kStep = 1e-5;
      std::vector<double> more = unknowns, less = unknowns;
      more[i] += kStep;
      less[i] -= kStep;
      const double difference = (likelihood.value(more) - likelihood.value(less)) / (2 * kStep);
      EXPECT_NEAR(gradient[i], difference, 1e-4 * (1 + std::abs(difference)))
          << name_of(fit.form) << " " << i;
    }
  }
}

TEST(SmoothingEstimate, RefusesWhatTheValuesCannotTell) {
  const std::vector<double> few = {3, 5, 4, 6, 5, 7};
  EXPECT_FALSE(std::isfinite(estimate_smoothing(few, form_named("AAdA"), 3).aicc));
  EXPECT_TRUE(std::isfinite(estimate_smoothing(few, form_named("ANN"), 0).aicc));
  std::vector<double> zeros = {0, 1, 0, 2, 0, 1, 3, 0, 0, 1, 0, 0, 2, 0, 1, 0, 0, 0, 1, 0};
  EXPECT_FALSE(choose_smoothing_form(zeros, 4).initial.form().multiplies());
}

}  // namespace
}  // namespace forewarm
