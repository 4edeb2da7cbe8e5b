#include "core/forecast/models/additive_fit.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <fstream>
#include <limits>
#include <string>

#include "base/random.h"

namespace forewarm {
namespace {

constexpr float kMissing = std::numeric_limits<float>::quiet_NaN();

/// tests/reference/additive/NAME.csv: what Prophet was given and what it answered.
struct ProphetCase {
  std::vector<float> values;  ///< as long as the history
  std::vector<double> answers;
  std::vector<std::vector<float>> regressors;
};

ProphetCase prophet_case(const std::string& name) {
  std::ifstream file(FOREWARM_SOURCE_DIR "/tests/reference/additive/" + name + ".csv");
  ProphetCase read;
  std::string line;
  std::getline(file, line);
  const auto columns = static_cast<std::size_t>(std::count(line.begin(), line.end(), ',')) + 1;
  read.regressors.resize(columns - 3);
  while (std::getline(file, line)) {
    line += ',';
    std::size_t begin = 0;
    for (std::size_t column = 0; column < columns; ++column) {
      const std::size_t end = line.find(',', begin);
      float value = kMissing;
      std::from_chars(line.data() + begin, line.data() + end, value);
      if (column == 1 && std::isfinite(value)) read.values.push_back(value);
      if (column == 2) read.answers.push_back(static_cast<double>(value));
      if (column > 2) read.regressors[column - 3].push_back(value);
      begin = end + 1;
    }
  }
  return read;
}

std::vector<Harmonic> day_and_week() {
  std::vector<Harmonic> harmonics;
  for (int k = 1; k <= 4; ++k) harmonics.push_back({.turns_per_step = k / 24.0});
  for (int k = 1; k <= 3; ++k) harmonics.push_back({.turns_per_step = k / 168.0});
  return harmonics;
}

AdditiveFit fit(std::span<const float> values, const AdditiveShape& shape, std::size_t bin = 1) {
  const AdditiveDesign design = make_additive_design(values, day_and_week(), {}, bin);
  return fit_additive(design, {.rows = design.at.size(), .harmonics = 7, .regressors = false}, shape);
}

struct Named {
  const char* name;
  AdditiveShape shape;
};

class AsProphetDoes : public testing::TestWithParam<Named> {};

INSTANTIATE_TEST_SUITE_P(
    Additive, AsProphetDoes,
    testing::Values(Named{"linear_additive", {}}, Named{"linear_multiplicative", {.multiplicative = true}},
                    Named{"logistic_additive", {.growth = TrendGrowth::Logistic, .capacity = 110}},
                    Named{"logistic_multiplicative",
                          {.growth = TrendGrowth::Logistic, .multiplicative = true, .capacity = 100}},
                    Named{"flat_additive", {.growth = TrendGrowth::Flat}}, Named{"regressors_additive", {}},
                    Named{"regressors_multiplicative", {.multiplicative = true}}),
    [](const auto& made) { return std::string(made.param.name); });

TEST_P(AsProphetDoes, WithinTwoPercentOfTheSeriesScale) {
  const ProphetCase known = prophet_case(GetParam().name);
  ASSERT_EQ(known.values.size(), 600U);
  ASSERT_EQ(known.answers.size(), 648U);
  std::vector<std::span<const float>> past;
  for (const std::vector<float>& column : known.regressors)
    past.emplace_back(column.data(), known.values.size());
  const AdditiveDesign design = make_additive_design(known.values, day_and_week(), past, 1);
  const AdditiveFit model =
      fit_additive(design, {.rows = 600, .harmonics = 7, .regressors = !past.empty()}, GetParam().shape);
  EXPECT_TRUE(model.is_sound());
  const double scale = *std::max_element(known.values.begin(), known.values.end());
  double worst = 0;
  for (std::size_t t = 0; t < known.answers.size(); ++t) {
    std::vector<float> now;
    for (const std::vector<float>& column : known.regressors) now.push_back(column[t]);
    const auto step = static_cast<double>(t);
    const double value = model.value(model.trend(step), model.effect(step, now));
    worst = std::max(worst, std::abs(value - known.answers[t]) / scale);
  }
  RecordProperty("worst", std::to_string(worst));
  EXPECT_LT(worst, 0.02);
}

std::vector<float> bent_wave(std::size_t steps, double noise, Random& random) {
  std::vector<float> values(steps);
  for (std::size_t t = 0; t < steps; ++t) {
    const auto at = static_cast<double>(t);
    const double trend = 40 + 0.05 * at - 0.09 * std::max(0.0, at - 300);
    values[t] = static_cast<float>(trend + 12 * std::sin(2 * M_PI * at / 24) + noise * random.normal());
  }
  return values;
}

TEST(AdditiveFit, ATrendThatBendsOnceIsFoundBentThere) {
  Random random(4);
  const AdditiveFit model = fit(bent_wave(600, 2, random), {});
  EXPECT_NEAR(model.trend(300), 55, 2);
  EXPECT_NEAR(model.trend(599), 43, 2.5);
  EXPECT_NEAR(model.trend(600) - model.trend(599), -0.04, 0.02);
  EXPECT_NEAR(model.deviation * model.value_scale, 2, 0.3);
}

TEST(AdditiveFit, RowsOfSeveralStepsGiveNearlyTheSameModel) {
  Random random(4);
  const std::vector<float> values = bent_wave(602, 2, random);
  const AdditiveFit fine = fit(values, {}), coarse = fit(values, {}, 3);
  for (double step = 0; step < 640; step += 7) {
    EXPECT_NEAR(fine.trend(step) + fine.effect(step, {}), coarse.trend(step) + coarse.effect(step, {}), 2)
        << step;
  }
}

TEST(AdditiveFit, WhatWasNotMeasuredCountsForNothing) {
  Random random(4);
  std::vector<float> values = bent_wave(600, 0, random);
  for (std::size_t t = 0; t < values.size(); ++t) {
    if (t % 5 == 2 || (t > 400 && t < 460)) values[t] = kMissing;
  }
  const AdditiveFit model = fit(values, {});
  for (double step = 0; step < 600; ++step) {
    EXPECT_NEAR(model.trend(step), 40 + 0.05 * step - 0.09 * std::max(0.0, step - 300), 1.5) << step;
  }
}

TEST(AdditiveFit, OfASubsetOfRowsUsesNoLaterOne) {
  Random random(4);
  std::vector<float> values = bent_wave(600, 2, random);
  const AdditiveDesign whole = make_additive_design(values, day_and_week(), {}, 1);
  values.resize(400);
  const AdditiveFit before = fit(values, {});
  const AdditiveFit part = fit_additive(whole, {.rows = 400, .harmonics = 7, .regressors = false}, {});
  for (double step = 0; step < 450; step += 9) EXPECT_NEAR(part.trend(step), before.trend(step), 1e-6);
}

TEST(AdditiveFit, ARegressorThatIsNotKnownHasNoEffect) {
  Random random(4);
  std::vector<float> values = bent_wave(600, 1, random), driver(600);
  for (std::size_t t = 0; t < 600; ++t) {
    driver[t] = t % 50 == 7 ? kMissing : static_cast<float>(100 + 10 * random.normal());
    if (std::isfinite(driver[t])) values[t] += 0.5F * (driver[t] - 100);
  }
  const std::span<const float> columns[] = {driver};
  const AdditiveDesign design = make_additive_design(values, day_and_week(), columns, 1);
  const AdditiveFit model = fit_additive(design, {.rows = 600, .harmonics = 7, .regressors = true}, {});
  const float high = 120, unknown = kMissing;
  EXPECT_NEAR(model.effect(600, {&high, 1}) - model.effect(600, {}), 10, 1.5);
  EXPECT_EQ(model.effect(600, {&unknown, 1}), model.effect(600, {}));
}

}  // namespace
}  // namespace forewarm
