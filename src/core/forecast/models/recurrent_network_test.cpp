#include <gtest/gtest.h>

#include <cmath>

#include "base/random.h"
#include "core/forecast/models/models.h"
#include "core/forecast/models/series_encoding.h"
#include "core/forecast/quantile_set.h"

namespace forewarm {
namespace {

constexpr float kAbsent = std::numeric_limits<float>::quiet_NaN();
const TimePoint kFirst(1'700'000'000s);

SeriesView view_of(std::span<const float> values, std::span<const std::uint32_t> seasons,
                   Columns regressors = {}) {
  return {.start = kFirst, .step = 60s, .values = values, .regressors = regressors, .seasons = seasons};
}

double loss_of(const Forecast& forecast, std::span<const float> came) {
  double loss = 0;
  for (std::size_t h = 0; h < came.size(); ++h) {
    for (std::size_t level = 0; level < kForecastLevelCount; ++level) {
      loss += pinball_loss(came[h], forecast.at(h, level), kForecastLevels[level]);
    }
  }
  return loss;
}

TEST(PhaseProfile, SaysOfAStepWhatEarlierCyclesHad) {
  PhaseProfile profile(4);
  for (std::int64_t step = 0; step < 12; ++step) {
    EXPECT_EQ(profile.at(step) == profile.at(step), step >= 4) << step;
    profile.push(step, static_cast<float>(step % 4));
    EXPECT_EQ(profile.at(step), static_cast<float>(step % 4));
  }
  EXPECT_EQ(profile.at(-1), 3);
  profile.push(12, kAbsent);
  EXPECT_EQ(profile.at(12), 0);
}

TEST(PhaseProfile, OfALongSeasonIsSmallAndStaysACycleBehind) {
  PhaseProfile profile(60'480);
  for (std::int64_t step = 0; step < 60'480; ++step) profile.push(step, step < 30'240 ? 2.0F : 8.0F);
  EXPECT_NEAR(profile.at(60'480 + 100), 2, 1e-5);
  EXPECT_NEAR(profile.at(60'480 + 40'000), 8, 1e-5);
  EXPECT_LT(profile.lead_max(), 60'480U);
  profile.push(60'480, 100);
  EXPECT_NEAR(profile.at(60'481), 2, 1e-5);  // its own cycle is not looked at
}

// What training is told of a step must be what a forecast will be told, or the network learns from the
// future.
TEST(SeriesEncoding, ATargetOfARecordIsTheTargetThatWasKnownThen) {
  Random random(8);
  std::vector<float> values(9000);
  for (std::size_t t = 0; t < values.size(); ++t) {
    values[t] = t % 31 == 0 ? kAbsent : static_cast<float>(random.poisson(t % 12 == 0 ? 60 : 20));
  }
  const std::vector<std::uint32_t> seasons = {12, 60, 4200};
  // The same values twice have the same scale: one encoding sees them all at once, the other ends early and
  // moves on.
  std::vector<float> twice = values;
  twice.insert(twice.end(), values.begin(), values.end());
  SeriesEncoding whole, moving;
  const SeriesEncoding::Record record = whole.begin(view_of(twice, seasons));
  moving.begin(view_of(values, seasons));
  std::vector<float> inputs(moving.inputs());
  for (std::size_t t = 0; t < 300; ++t) moving.push(values[t], {}, inputs);
  const std::size_t last = values.size() + 299;
  EXPECT_NEAR(record.known[last].slow, moving.known().slow, 1e-5);
  for (const std::size_t lead : {1U, 11U, 12U, 13U, 59U, 60U, 61U, 500U, 4196U, 4300U}) {
    const SeriesEncoding::Target told = SeriesEncoding::seen_before(whole, record, last + lead, lead);
    const SeriesEncoding::Target known = moving.target(lead, {});
    for (std::size_t s = 0; s < SeriesEncoding::kSeasons; ++s) {
      EXPECT_NEAR(told.expected[s], known.expected[s], 1e-5) << lead << " " << s;
      EXPECT_FLOAT_EQ(told.phase[2 * s], known.phase[2 * s]) << lead << " " << s;
    }
  }
}

TEST(RecurrentNetwork, LearnsABurstsCourseThatNoSeasonTells) {
  // Bursts begin at random, last exactly six steps and rise all the way: what comes depends on how long ago
  // it began.
  Random random(21);
  std::vector<float> values;
  while (values.size() < 6000) {
    for (auto quiet = 8 + random.below(20); quiet > 0; --quiet)
      values.push_back(static_cast<float>(random.poisson(20)));
    for (int age = 1; age <= 6; ++age) values.push_back(static_cast<float>(random.poisson(40.0 * age)));
  }
  const std::unique_ptr<Forecaster> network = make_recurrent_network();
  const std::unique_ptr<Forecaster> smoothing = make_exponential_smoothing();
  ASSERT_TRUE(network->fit(view_of(std::span(values).first(5000), {})));
  ASSERT_TRUE(smoothing->fit(view_of(std::span(values).first(5000), {})));
  double of_network = 0, of_smoothing = 0;
  for (std::size_t t = 5000; t < 5900; ++t) {
    const std::span<const float> next = std::span(values).subspan(t, 1);
    of_network += loss_of(network->predict(1, {}), next);
    of_smoothing += loss_of(smoothing->predict(1, {}), next);
    network->update(values[t], {});
    smoothing->update(values[t], {});
  }
  EXPECT_LT(of_network, 0.8 * of_smoothing);
}

TEST(RecurrentNetwork, UsesARegressorWhoseFutureIsKnownAndDoesWithoutItOtherwise) {
  Random random(4);
  std::vector<float> values(4060), rain(4060);
  for (std::size_t t = 0; t < values.size(); ++t) {
    rain[t] = t % 40 == 0 ? static_cast<float>(random.below(2)) : rain[t - 1];
    values[t] = static_cast<float>(random.poisson(rain[t] > 0.5F ? 90 : 30));
  }
  const std::span<const float> past_rain = std::span(rain).first(4000);
  const std::vector<std::span<const float>> past = {past_rain}, future = {std::span(rain).subspan(4000)};
  const std::unique_ptr<Forecaster> network = make_recurrent_network();
  ASSERT_TRUE(network->fit(view_of(std::span(values).first(4000), {}, past)));
  const std::span<const float> came = std::span(values).subspan(4000);
  const double informed = loss_of(network->predict(60, future), came);
  const double blind = loss_of(network->predict(60, {}), came);
  EXPECT_LT(informed, 0.6 * blind);
  EXPECT_LT(blind, 3 * 9.0 * 60 * 30);
}

TEST(RecurrentNetwork, TheSameHistoryGivesTheSameStateAndItIsSmall) {
  Random random(6);
  std::vector<float> values(30'000);
  for (float& value : values) value = static_cast<float>(random.poisson(30));
  const std::vector<std::uint32_t> seasons = {1440, 8640, 10'080};
  const std::unique_ptr<Forecaster> one = make_recurrent_network(), other = make_recurrent_network();
  ASSERT_TRUE(one->fit(view_of(values, seasons)));
  ASSERT_TRUE(other->fit(view_of(values, seasons)));
  EXPECT_EQ(one->save(), other->save());
  EXPECT_LT(one->save().size(), 100'000U);
}

}  // namespace
}  // namespace forewarm
