#include "app/forecast_signals.h"

#include <gtest/gtest.h>

#include <cmath>

namespace forewarm {
namespace {

constexpr TimePoint kDawn = time_point_us(1'767'592'800'000'000);  // 2026-01-05T06:00:00Z
constexpr Duration kFine = 10s;

/// An hour of history in steps of a minute, and ten minutes ahead.
FitRequest hour_until(TimePoint end) {
  FitRequest request;
  request.start = end - 1h;
  request.step = 1min;
  request.arrivals.assign(60, 1);
  request.horizon = 10;
  return request;
}

SignalSeries series_of(SignalKind kind, const std::vector<LevelChange>& values,
                       Duration holds = Duration(0)) {
  SignalSeries series({.kind = kind, .holds = holds, .step = kFine, .past_steps = 8640});
  for (const LevelChange& value : values) series.observe(value.at, value.value, kDawn);
  return series;
}

Regressor beside(const SignalSeries& series, bool future_known, TimePoint end = kDawn,
                 TimePoint now = kDawn) {
  return regressor_beside(hour_until(end), 6, series, SignalId(1), future_known, now);
}

bool same(const std::vector<float>& a, const std::vector<float>& b) {
  return std::ranges::equal(a, b,
                            [](float x, float y) { return x == y || (std::isnan(x) && std::isnan(y)); });
}

TEST(RegressorBeside, ALevelIsItsMeanOverEachStepAndUnknownBeforeItsFirstValue) {
  const auto series =
      series_of(SignalKind::Level, {{kDawn - 30min, 10}, {kDawn - 2min - 30s, 20}, {kDawn - 1min, 40}});
  const Regressor regressor = beside(series, false);
  ASSERT_EQ(regressor.past.size(), 60U);
  EXPECT_TRUE(std::isnan(regressor.past[29]));
  EXPECT_EQ(regressor.past[30], 10);
  EXPECT_EQ(regressor.past[57], 15);
  EXPECT_EQ(regressor.past[58], 20);
  EXPECT_EQ(regressor.past[59], 40);
  EXPECT_TRUE(regressor.future.empty());
}

TEST(RegressorBeside, ACountIsItsSumAndZeroWhereNothingCame) {
  const auto series =
      series_of(SignalKind::Count, {{kDawn - 10min, 1}, {kDawn - 55s, 2}, {kDawn - 5s, 3}, {kDawn + 5s, 50}});
  const Regressor regressor = beside(series, true);
  EXPECT_TRUE(std::isnan(regressor.past[49]));
  EXPECT_EQ(regressor.past[50], 1);
  EXPECT_EQ(regressor.past[51], 0);
  EXPECT_EQ(regressor.past[59], 5);
  EXPECT_EQ(regressor.future[0], 50);
  EXPECT_TRUE(std::isnan(regressor.future[1])) << "nothing is said of it";
}

TEST(RegressorBeside, WhatWasAfterATimeInThePastIsNotInThePastOfIt) {
  const std::vector<LevelChange> before = {{kDawn - 50min, 4}};
  std::vector<LevelChange> all = before;
  for (int i = 0; i < 30; ++i) all.push_back({kDawn - 30min + i * 1min, 100.0 + i});
  const TimePoint at = kDawn - 30min;
  for (const SignalKind kind : {SignalKind::Level, SignalKind::Count}) {
    const Regressor knows = beside(series_of(kind, all), false, at);
    EXPECT_TRUE(same(knows.past, beside(series_of(kind, before), false, at).past));
    EXPECT_TRUE(knows.future.empty()) << "nobody knew it";
    // Of one whose future is known, what was recorded stands for what was foreseen.
    const Regressor planned = beside(series_of(kind, all), true, at);
    EXPECT_TRUE(same(planned.past, knows.past));
    ASSERT_EQ(planned.future.size(), 10U);
    EXPECT_EQ(planned.future[9], 109);
  }
}

class ForecastSignalsAdding : public testing::Test {
 protected:
  void configure(std::vector<SignalConfig> signals) {
    ServerConfig config;
    config.signals = std::move(signals);
    service_.configure(config);
    for (const SignalSettings& settings : service_.settings([](auto) { return std::nullopt; })) {
      series_.emplace(settings.id, SignalSeries({.kind = settings.kind, .step = kFine}));
    }
  }
  static SignalConfig cron(const std::string& name, const std::string& expression) {
    SignalConfig config;
    config.name = name;
    config.source = "cron";
    config.expression = expression;
    config.length = 1min;
    return config;
  }
  /// What a request of steps of a minute gets: its regressors by name.
  std::map<std::string, Regressor> add(FitRequest request, Duration step = kFine) {
    std::optional<std::map<std::string, Regressor>> found;
    signals_.add("jobs", step, std::move(request), [&](const FitRequest& with, const auto& names) {
      found.emplace();
      for (const Regressor& regressor : with.regressors) (*found)[names.at(regressor.signal)] = regressor;
      loop_.wake();
    });
    const auto deadline = Loop::Clock::now() + std::chrono::seconds(30);
    while (!found && Loop::Clock::now() < deadline) loop_.run_until(deadline);
    EXPECT_TRUE(found) << "an answer within half a minute";
    return found.value_or(std::map<std::string, Regressor>{});
  }

  Loop loop_;
  SignalService service_{loop_, [] { return kDawn; },
                         [this](const Event& event) {
                           if (const auto* said = std::get_if<SignalObserved>(&event)) {
                             const auto found = series_.find(said->signal);
                             if (found != series_.end()) found->second.observe(said->at, said->value, kDawn);
                           }
                         },
                         [](std::string_view) {}};
  std::map<SignalId, SignalSeries> series_;
  ForecastSignals signals_{loop_, service_, [this](SignalId id) {
                             const auto found = series_.find(id);
                             return found != series_.end() ? &found->second : nullptr;
                           }};
};

TEST_F(ForecastSignalsAdding, APlanIsKnownBeforeAndAsFarAsTheHorizonReaches) {
  SignalConfig elsewhere = cron("elsewhere", "* * * * *");
  elsewhere.queues = {"others"};
  configure({cron("often", "*/5 * * * *"), elsewhere});
  FitRequest request = hour_until(kDawn);
  request.horizon = 6 * 60;  // far beyond what the core is told
  const auto found = add(std::move(request));
  ASSERT_EQ(found.size(), 1U);
  const Regressor& often = found.at("often");
  ASSERT_EQ(often.future.size(), 360U);
  for (std::size_t i = 0; i < 60; ++i) EXPECT_EQ(often.past[i], i % 5 == 0 ? 1 : 0) << i;
  for (std::size_t i = 0; i < 360; ++i) EXPECT_EQ(often.future[i], i % 5 == 0 ? 1 : 0) << i;
}

TEST_F(ForecastSignalsAdding, APlanIsKnownAtATimeInThePastToo) {
  configure({cron("often", "*/5 * * * *")});
  const auto found = add(hour_until(kDawn - 3h - 2min));
  EXPECT_EQ(found.at("often").future, (std::vector<float>{0, 0, 1, 0, 0, 0, 0, 1, 0, 0}));
}

TEST_F(ForecastSignalsAdding, ValuesThatWaitToBeToldAreKnown) {
  SignalConfig weather;
  weather.name = "weather";
  weather.future_known = true;
  weather.hold = 30min;
  SignalConfig price;
  price.name = "price";
  SignalConfig silent;
  silent.name = "silent";
  configure({weather, price, silent});
  const auto at = [](Duration after) {
    return std::to_string((kDawn + after).time_since_epoch().count() / 1'000'000);
  };
  const std::string values = R"([{"value": 1, "time": )" + at(-30min) + R"(}, {"value": 2, "time": )" +
                             at(5h) + R"(}, {"value": 3, "time": )" + at(5h + 30min) + "}]";
  for (const char* name : {"weather", "price"})
    ASSERT_TRUE(service_.push(name, {.content_type = "application/json", .headers = {}, .body = values}));
  service_.tick();
  FitRequest request = hour_until(kDawn);
  request.horizon = 6 * 60;
  const auto found = add(std::move(request));
  ASSERT_EQ(found.size(), 2U) << "of one that was never heard nothing is known";
  EXPECT_TRUE(found.at("price").future.empty());
  const std::vector<float>& future = found.at("weather").future;
  EXPECT_EQ(found.at("weather").past.back(), 1);
  EXPECT_EQ(future[299], future[200]) << "told first, and held";
  EXPECT_EQ(future[300], 2);
  EXPECT_EQ(future[359], 3);
}

TEST_F(ForecastSignalsAdding, AVeryLongHistoryLeavesRoomForFewSignals) {
  configure({cron("a", "*/5 * * * *"), cron("b", "*/7 * * * *"), cron("c", "0 * * * *")});
  FitRequest request;
  request.step = kFine;
  request.start = kDawn - kFine * 80'000;
  request.arrivals.assign(80'000, 1);
  request.horizon = 10;
  EXPECT_EQ(add(std::move(request)).size(), 2U);
}

TEST_F(ForecastSignalsAdding, ACalendarThatCannotBeReadIsLeftOut) {
  SignalConfig days;
  days.name = "days";
  days.source = "calendar";
  days.path = "/nowhere/days.ics";
  configure({days, cron("often", "*/5 * * * *")});
  EXPECT_EQ(add(hour_until(kDawn)).size(), 1U);
}

}  // namespace
}  // namespace forewarm
