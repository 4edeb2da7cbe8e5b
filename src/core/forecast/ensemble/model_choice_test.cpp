#include "core/forecast/ensemble/model_choice.h"

#include <gtest/gtest.h>

#include "core/forecast/quantile_set.h"

#include <cmath>
#include <limits>

namespace forewarm {
namespace {

TimePoint step_at(int step) {
  return TimePoint(10s * step);
}

ModelForecast flat(ModelId model, int first_step, std::size_t horizon, float value) {
  Forecast forecast{.start = step_at(first_step), .step = 10s, .values = {}};
  forecast.values.assign(horizon * kForecastLevelCount, value);
  return {.model = model, .forecast = forecast};
}

constexpr ModelId kOne = ModelId::SeasonalQuantiles;
constexpr ModelId kOther = ModelId::ExponentialSmoothing;

TEST(PinballLoss, WeighsAnUndershootByTheLevelAndAnOvershootByTheRest) {
  EXPECT_DOUBLE_EQ(pinball_loss(10, 6, 0.9), 3.6);
  EXPECT_DOUBLE_EQ(pinball_loss(6, 10, 0.9), 0.4);
  EXPECT_EQ(pinball_loss(6, 6, 0.9), 0);
}

TEST(ModelChoice, ChoosesTheModelThatWasRightAndChangesWhenItNoLongerIs) {
  ModelChoice ensemble(10);
  EXPECT_EQ(ensemble.best(step_at(0)), nullptr);
  ensemble.accept({flat(kOne, 0, 500, 5), flat(kOther, 0, 500, 50)});
  ASSERT_NE(ensemble.best(step_at(0)), nullptr);
  EXPECT_EQ(ensemble.best(step_at(0))->model, kOne);
  for (int step = 0; step < 100; ++step) ensemble.observe(step_at(step), 48);
  EXPECT_EQ(ensemble.best(step_at(100))->model, kOther);
  for (int step = 100; step < 200; ++step) ensemble.observe(step_at(step), 6);
  EXPECT_EQ(ensemble.best(step_at(200))->model, kOne);
  EXPECT_EQ(ensemble.scored(), 200U);
}

TEST(ModelChoice, ForecastsThatRanOutAreNotChosenAndOthersStay) {
  ModelChoice ensemble;
  ensemble.accept({flat(kOne, 0, 10, 5), flat(kOther, 0, 20, 50)});
  for (int step = 0; step < 10; ++step) ensemble.observe(step_at(step), 5);
  EXPECT_EQ(ensemble.best(step_at(9))->model, kOne);
  EXPECT_EQ(ensemble.best(step_at(10))->model, kOther);
  EXPECT_EQ(ensemble.best(step_at(20)), nullptr);
  ensemble.accept({flat(kOne, 10, 20, 5)});
  EXPECT_EQ(ensemble.best(step_at(10))->model, kOne);
}

TEST(ModelChoice, AModelWithoutAScoreYieldsToOneThatHasOne) {
  ModelChoice ensemble;
  ensemble.accept({flat(kOther, 0, 100, 50)});
  ensemble.observe(step_at(0), 5);
  ensemble.accept({flat(kOne, 1, 100, 5)});
  EXPECT_EQ(ensemble.best(step_at(1))->model, kOther);
  EXPECT_TRUE(std::isnan(ensemble.loss(kOne)));
  ensemble.observe(step_at(1), 5);
  EXPECT_EQ(ensemble.best(step_at(2))->model, kOne);
}

TEST(ModelChoice, LossesAreDiscountedMeansOverLevels) {
  ModelChoice ensemble(1000);
  ensemble.accept({flat(kOne, 0, 100, 5)});
  EXPECT_TRUE(std::isnan(ensemble.naive_loss()));
  for (int step = 0; step < 50; ++step) ensemble.observe(step_at(step), step % 2 == 0 ? 5 : 6);
  double over = 0, under = 0;
  for (const double level : kForecastLevels) {
    over += pinball_loss(6, 5, level) / kForecastLevelCount;
    under += pinball_loss(5, 6, level) / kForecastLevelCount;
  }
  EXPECT_NEAR(ensemble.loss(kOne), over / 2, 0.01);
  EXPECT_NEAR(ensemble.naive_loss(), (over + under) / 2, 0.01);
}

TEST(ModelChoice, CoverageSaysWhatShareStayedBelowEachLevel) {
  ModelChoice ensemble(1e6);
  ModelForecast forecast = flat(kOne, 0, 100, 0);
  for (std::size_t i = 0; i < forecast.forecast.values.size(); ++i) {
    forecast.forecast.values[i] = static_cast<float>(10 * (1 + i % kForecastLevelCount));
  }
  EXPECT_TRUE(std::isnan(ensemble.coverage()[0]));
  ensemble.accept({forecast});
  for (int step = 0; step < 100; ++step) ensemble.observe(step_at(step), step % 4 == 0 ? 35 : 15);
  EXPECT_NEAR(ensemble.coverage()[0], 0, 1e-9);
  EXPECT_NEAR(ensemble.coverage()[1], 0.75, 1e-3);
  EXPECT_NEAR(ensemble.coverage()[3], 1, 1e-9);
}

TEST(ModelChoice, GapsAndStepsThatNobodyForesawScoreNothing) {
  ModelChoice ensemble;
  ensemble.accept({flat(kOne, 10, 10, 5)});
  ensemble.observe(step_at(9), 5);
  ensemble.observe(step_at(20), 5);
  ensemble.observe(step_at(12), std::numeric_limits<float>::quiet_NaN());
  EXPECT_EQ(ensemble.scored(), 0U);
  EXPECT_TRUE(std::isnan(ensemble.loss(kOne)));
}

TEST(ModelChoice, GoesOnWithWhatItKnewBeforeARestart) {
  ModelChoice before(10);
  before.accept({flat(kOne, 0, 500, 5), flat(kOther, 0, 500, 50)});
  for (int step = 0; step < 30; ++step) before.observe(step_at(step), step % 2 == 0 ? 48.0F : 53.0F);
  ModelChoice after(10);
  ASSERT_TRUE(after.restore(before.memory(10s), 10s));
  EXPECT_EQ(after.best(step_at(30)), nullptr) << "forecasts are fitted anew";
  after.accept({flat(kOne, 30, 500, 5), flat(kOther, 30, 500, 50)});
  ASSERT_NE(after.best(step_at(30)), nullptr);
  EXPECT_EQ(after.best(step_at(30))->model, kOther);
  EXPECT_EQ(after.loss(kOne), before.loss(kOne));
  EXPECT_EQ(after.naive_loss(), before.naive_loss());
  EXPECT_EQ(after.coverage(), before.coverage());
  EXPECT_EQ(after.scored(), before.scored());
  EXPECT_EQ(after.memory(10s), before.memory(10s));
  EXPECT_FALSE(after.restore(before.memory(10s), 10s)) << "it has learnt something itself";
}

TEST(ModelChoice, TakesNoNumbersThatNobodyCouldHaveLearnt) {
  ModelChoice before;
  before.accept({flat(kOne, 0, 500, 5), flat(kOther, 0, 500, 50)});
  for (int step = 0; step < 30; ++step) before.observe(step_at(step), 48);
  constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
  const std::vector<void (*)(ChoiceMemory&)> damages = {
      [](ChoiceMemory& it) { it.models.at(0).loss_sum = kNan; },
      [](ChoiceMemory& it) { it.models.at(0).weight = -1; },
      [](ChoiceMemory& it) { it.models.at(1).model = it.models.at(0).model; },
      [](ChoiceMemory& it) { it.models.resize(200); },
      [](ChoiceMemory& it) { it.naive_sum = -1; },
      [](ChoiceMemory& it) { it.naive_weight = kNan; },
      [](ChoiceMemory& it) { it.covered.pop_back(); },
      [](ChoiceMemory& it) { it.covered.at(0) = kNan; },
      [](ChoiceMemory& it) { it.covered_weight = 1e300; },
  };
  for (std::size_t i = 0; i < damages.size(); ++i) {
    ChoiceMemory damaged = before.memory(10s);
    damages[i](damaged);
    ModelChoice after;
    EXPECT_FALSE(after.restore(damaged, 10s)) << i;
    EXPECT_EQ(after.memory(10s), ModelChoice().memory(10s)) << i;
  }
  ModelChoice after;
  EXPECT_FALSE(after.restore(before.memory(10s), 1min)) << "losses of other steps";
  EXPECT_TRUE(after.restore(before.memory(10s), 10s));
}

}  // namespace
}  // namespace forewarm
