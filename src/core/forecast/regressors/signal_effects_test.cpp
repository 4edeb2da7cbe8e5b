#include "core/forecast/regressors/signal_effects.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/random.h"
#include "core/forecast/models/models.h"

namespace forewarm {
namespace {

constexpr std::size_t kHistory = 1500;
constexpr std::size_t kAhead = 60;
constexpr std::uint32_t kSeasons[] = {24};
constexpr float kUnknown = std::numeric_limits<float>::quiet_NaN();

using Column = std::vector<float>;

/// A series with signals beside it: history, and kAhead steps more.
struct Made {
  Column values;
  std::vector<Column> signals;
  std::vector<std::span<const float>> past, future;

  /// Gives views; the first `known` signals have a known future.
  SeriesView view(std::size_t known) {
    for (std::size_t i = 0; i < signals.size(); ++i) {
      past.push_back(std::span(signals[i]).first(kHistory));
      future.push_back(i < known ? std::span(signals[i]).subspan(kHistory) : std::span<const float>());
    }
    return {.start = TimePoint(0s),
            .step = 3600s,
            .values = std::span(values).first(kHistory),
            .regressors = past,
            .seasons = kSeasons};
  }
};

Column drifting(double persistence, Random& random) {
  Column values(kHistory + kAhead);
  double level = 0;
  for (float& value : values) {
    level = persistence * level + std::sqrt(1 - persistence * persistence) * random.normal();
    value = static_cast<float>(level);
  }
  return values;
}

/// A daily wave, noise that lasts, a signal that leads by `lead`, and three that say nothing.
Made led(std::size_t lead, double strength, std::uint64_t seed) {
  Random random(seed);
  Made made;
  for (int i = 0; i < 4; ++i) made.signals.push_back(drifting(0.8, random));
  const Column noise = drifting(0.6, random);
  for (std::size_t t = 0; t < kHistory + kAhead; ++t) {
    const double wave = 100 + 30 * std::sin(2 * M_PI * static_cast<double>(t) / 24);
    const double led_by = t >= lead ? strength * static_cast<double>(made.signals[2][t - lead]) : 0;
    made.values.push_back(
        static_cast<float>(std::max(0.0, wave + led_by + 4 * static_cast<double>(noise[t]))));
  }
  return made;
}

Forecast forecast_of(const SeriesView& history, const SignalEffects& effects, std::size_t horizon) {
  const auto model = make_exponential_smoothing();
  SeriesView seen = history;
  const Column without = effects.without_effects();
  if (!effects.empty()) seen.values = without;
  EXPECT_TRUE(model->fit(seen));
  Forecast forecast = model->predict(horizon, {});
  effects.put_back(forecast);
  return forecast;
}

double loss(const Forecast& forecast, std::span<const float> actual) {
  double sum = 0;
  for (std::size_t h = 0; h < forecast.horizon(); ++h) {
    for (std::size_t level = 0; level < kForecastLevelCount; ++level)
      sum += pinball_loss(actual[h], forecast.at(h, level), kForecastLevels[level]);
  }
  return sum;
}

TEST(SignalEffects, ASignalThatLeadsIsFoundAmongOthersAndForecastsGainAThird) {
  double with = 0, without = 0;
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    const std::size_t lead = 1 + seed * 59 / 19;
    Made made = led(lead, 15, seed);
    const SeriesView history = made.view(0);
    const SignalEffects effects(history, made.future);
    ASSERT_EQ(effects.findings().size(), 1U) << seed;
    EXPECT_EQ(effects.findings()[0].signal, 2U);
    EXPECT_NEAR(effects.findings()[0].lead, static_cast<double>(lead), 1);
    EXPECT_GT(effects.gain(), 0.05);
    const std::span<const float> actual = std::span(made.values).subspan(kHistory);
    with += loss(forecast_of(history, effects, lead), actual) / static_cast<double>(lead);
    without += loss(forecast_of(history, {}, lead), actual) / static_cast<double>(lead);
  }
  EXPECT_LT(with, 0.7 * without);
}

TEST(SignalEffects, FurtherAheadThanItLeadsItWidens) {
  Made made = led(12, 15, 3);
  const SeriesView history = made.view(0);
  const SignalEffects effects(history, made.future);
  ASSERT_FALSE(effects.empty());
  const Forecast forecast = forecast_of(history, effects, 48);
  const auto width = [&](std::size_t h) {
    return forecast.at(h, kForecastLevelCount - 1) - forecast.at(h, 0);
  };
  EXPECT_GT(width(30), 1.3 * width(6));  // the same time of day, so the same width otherwise
}

TEST(SignalEffects, SignalsOfNothingAreLeftOut) {
  double with = 0, without = 0;
  int used = 0;
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    Made made = led(1, 0, 100 + seed);
    const SeriesView history = made.view(2);  // two with a known future, two without
    const SignalEffects effects(history, made.future);
    used += effects.empty() ? 0 : 1;
    const std::span<const float> actual = std::span(made.values).subspan(kHistory);
    with += loss(forecast_of(history, effects, 48), actual);
    without += loss(forecast_of(history, {}, 48), actual);
  }
  EXPECT_LE(used, 1);
  EXPECT_LT(with, 1.01 * without);
}

TEST(SignalEffects, AShuffledSignalIsLeftOut) {
  for (std::uint64_t seed = 0; seed < 10; ++seed) {
    Made made = led(5, 15, seed);
    Random random(seed);
    for (std::size_t i = made.signals[2].size(); i > 1; --i)
      std::swap(made.signals[2][i - 1], made.signals[2][random.below(i)]);
    EXPECT_TRUE(SignalEffects(made.view(seed % 2 == 0 ? 0 : 4), made.future).empty()) << seed;
  }
}

/// Working days with two peaks; a day off, at any weekday, with one.
double day_of_work(std::size_t hour, bool works) {
  const auto bump = [&](double at, double wide) {
    const double off = (static_cast<double>(hour) - at) / wide;
    return std::exp(-off * off);
  };
  return works ? 20 + 100 * bump(8, 1.5) + 90 * bump(17, 2) : 20 + 60 * bump(14, 4);
}

TEST(SignalEffects, AHolidayGetsTheShapeOfADayOff) {
  Random random(8);
  Made made;
  made.signals.resize(1);
  for (std::size_t t = 0; t < kHistory + kAhead; ++t) {
    const std::size_t day = t / 24;
    const bool works = day % 7 < 5 && day % 17 != 12;  // holidays now and then
    made.signals[0].push_back(works ? 1 : 0);
    made.values.push_back(static_cast<float>(random.poisson(day_of_work(t % 24, works))));
  }
  // Tomorrow, a weekday, is a holiday.
  for (std::size_t t = kHistory; t < kHistory + kAhead; ++t) made.signals[0][t] = 0;
  const std::uint32_t seasons[] = {24, 168};
  SeriesView history = made.view(1);
  history.seasons = seasons;
  const SignalEffects effects(history, made.future);
  ASSERT_FALSE(effects.empty());
  const Forecast forecast = forecast_of(history, effects, 24), blind = forecast_of(history, {}, 24);
  double with = 0, without = 0;
  for (std::size_t h = 0; h < 24; ++h) {
    const double actual = day_of_work((kHistory + h) % 24, false);
    with += std::abs(static_cast<double>(forecast.at(h, 4)) - actual);
    without += std::abs(static_cast<double>(blind.at(h, 4)) - actual);
  }
  EXPECT_LT(with, 0.6 * without);
}

TEST(SignalEffects, WhatIsTakenOutIsPutBack) {
  Random random(8);
  Made made;
  made.signals.push_back(drifting(0.9, random));
  for (std::size_t t = 0; t < kHistory + kAhead; ++t) {
    const double share = std::exp(0.5 * static_cast<double>(made.signals[0][t]));
    made.values.push_back(static_cast<float>(random.poisson(80 * share)));
  }
  const SeriesView history = made.view(1);
  const SignalEffects effects(history, made.future);
  ASSERT_FALSE(effects.empty());
  const Column without = effects.without_effects();
  ASSERT_EQ(without.size(), kHistory);
  double before = 0, after = 0, mean = 0;
  for (std::size_t t = 0; t < kHistory; ++t) mean += static_cast<double>(without[t]) / kHistory;
  for (std::size_t t = 0; t < kHistory; ++t) {
    before += std::abs(static_cast<double>(history.values[t]) - mean);
    after += std::abs(static_cast<double>(without[t]) - mean);
  }
  EXPECT_LT(after, 0.5 * before);
  const std::span<const float> actual = std::span(made.values).subspan(kHistory);
  EXPECT_LT(loss(forecast_of(history, effects, 48), actual),
            0.6 * loss(forecast_of(history, {}, 48), actual));
}

TEST(SignalEffects, AnythingAsASignalLeavesForecastsSound) {
  Random random(5);
  const std::vector<Column> odd = {Column(kHistory + kAhead, kUnknown), Column(kHistory + kAhead, 7),
                                   Column(kHistory + kAhead, std::numeric_limits<float>::infinity()),
                                   Column(kHistory + kAhead, 3e38F)};
  for (int kind = 0; kind < 6; ++kind) {
    Made made = led(3, 15, 9);
    for (const Column& column : odd) made.signals.push_back(column);
    for (std::size_t t = 0; t < kHistory + kAhead; ++t) {
      for (Column& column : made.signals) {
        if (random.chance(0.05)) column[t] = kUnknown;
        if (kind == 1 && random.chance(0.01)) column[t] = 1e30F;
      }
      if (kind == 2 && random.chance(0.3)) made.values[t] = kUnknown;
      if (kind == 3) made.values[t] = 0;
      if (kind == 4) made.values[t] = random.chance(0.01) ? 1e12F : -3.0F;
      if (kind == 5 && t < 1400) made.values[t] = kUnknown;
    }
    for (std::size_t known = 0; known <= made.signals.size(); known += 4) {
      made.past.clear(), made.future.clear();
      const SeriesView history = made.view(known);
      const SignalEffects effects(history, made.future);
      for (const float value : effects.without_effects()) ASSERT_FALSE(value < 0 || std::isinf(value));
      const Forecast forecast = forecast_of(history, effects, 60);
      for (std::size_t h = 0; h < forecast.horizon(); ++h) {
        for (std::size_t level = 0; level < kForecastLevelCount; ++level) {
          ASSERT_TRUE(std::isfinite(forecast.at(h, level)) && forecast.at(h, level) >= 0);
          ASSERT_TRUE(level == 0 || forecast.at(h, level) >= forecast.at(h, level - 1));
        }
      }
    }
  }
}

TEST(SignalEffects, WithoutSignalsOrHistoryThereAreNone) {
  Made made = led(3, 15, 9);
  SeriesView history = made.view(4);
  SeriesView none = history;
  none.regressors = {};
  EXPECT_TRUE(SignalEffects(none, {}).empty());
  SeriesView brief = history;
  brief.values = history.values.first(50);
  EXPECT_TRUE(SignalEffects(brief, made.future).empty());  // and signals longer than it
  Forecast forecast{.start = TimePoint(0s), .values = std::vector<float>(9, 3)};
  const Forecast before = forecast;
  SignalEffects().put_back(forecast);
  EXPECT_EQ(forecast, before);
}

}  // namespace
}  // namespace forewarm
