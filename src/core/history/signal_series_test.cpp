#include "core/history/signal_series.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/random.h"

namespace forewarm {
namespace {

constexpr TimePoint at_s(double s) {
  return time_point_us(static_cast<std::int64_t>(s * 1e6));
}

SignalSeries level(Duration holds = Duration(0)) {
  return SignalSeries(
      {.kind = SignalKind::Level, .holds = holds, .step = 10s, .past_steps = 100, .future_steps = 10});
}
SignalSeries count(Duration holds = Duration(0)) {
  return SignalSeries(
      {.kind = SignalKind::Count, .holds = holds, .step = 10s, .past_steps = 100, .future_steps = 10});
}

/// NaN equals NaN here.
void expect_steps(const std::vector<float>& steps, const std::vector<double>& wanted) {
  ASSERT_EQ(steps.size(), wanted.size());
  for (std::size_t i = 0; i < steps.size(); ++i) {
    if (std::isnan(wanted[i])) {
      EXPECT_TRUE(std::isnan(steps[i])) << i << ": " << steps[i];
    } else {
      EXPECT_FLOAT_EQ(steps[i], static_cast<float>(wanted[i])) << i;
    }
  }
}

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

TEST(SignalSeries, ALevelHoldsUntilTheNextAndIsAveragedOverAStep) {
  SignalSeries series = level();
  series.observe(at_s(1010), 4, at_s(1010));
  series.observe(at_s(1025), 8, at_s(1025));
  expect_steps(series.aligned(at_s(1000), 6, kNever), {kNan, 4, 6, 8, 8, 8});
}

TEST(SignalSeries, SaysWhatIsNews) {
  SignalSeries plan = level();
  EXPECT_TRUE(plan.observe(at_s(1060), 1, at_s(1000)));
  EXPECT_FALSE(plan.observe(at_s(1060), 1, at_s(1001))) << "a plan that is read again";
  EXPECT_TRUE(plan.observe(at_s(1060), 2, at_s(1002))) << "a revised one";
  EXPECT_FALSE(plan.observe(at_s(1070), kNan, at_s(1003)));
  SignalSeries posts = count();
  EXPECT_TRUE(posts.observe(at_s(1000), 1, at_s(1000)));
  EXPECT_TRUE(posts.observe(at_s(1000), 1, at_s(1000))) << "one more";
}

TEST(SignalSeries, ALevelThatIsTooOldIsNotKnown) {
  SignalSeries series = level(15s);
  series.observe(at_s(1000), 4, at_s(1000));
  series.observe(at_s(1050), 6, at_s(1050));
  expect_steps(series.aligned(at_s(1000), 7, kNever), {4, 4, kNan, kNan, kNan, 6, 6});
}

TEST(SignalSeries, CountsAddUpAndNothingSaidIsZero) {
  SignalSeries series = count();
  series.observe(at_s(1011), 1, at_s(1011));
  series.observe(at_s(1012), 2, at_s(1012));
  series.observe(at_s(1012), 2, at_s(1012));
  series.observe(at_s(1035), 1, at_s(1035));
  // The last two have not passed, and nobody has said anything of them.
  expect_steps(series.aligned(at_s(1000), 7, at_s(1050)), {kNan, 5, 0, 1, 0, kNan, kNan});
}

TEST(SignalSeries, CountsOfTheFutureAreKnownAsFarAsTheyAreSaid) {
  SignalSeries series = count();
  series.observe(at_s(1000), 1, at_s(1000));
  series.observe(at_s(1025), 7, at_s(1000));
  expect_steps(series.aligned(at_s(1000), 4, at_s(1000)), {1, 0, 7, kNan});
}

TEST(SignalSeries, TheOrderOfArrivalDoesNotMatter) {
  Random random(3);
  std::vector<std::pair<TimePoint, double>> values;
  for (int i = 0; i < 40; ++i) values.emplace_back(at_s(1000 + 7 * i), random.below(100));
  const auto fed = [](const auto& order, SignalKind kind) {
    SignalSeries series({.kind = kind, .step = 10s, .past_steps = 100});
    for (const auto& [at, value] : order) series.observe(at, value, at_s(1300));
    return series.aligned(at_s(1000), 30, kNever);
  };
  auto shuffled = values;
  for (std::size_t i = shuffled.size(); i > 1; --i) std::swap(shuffled[i - 1], shuffled[random.below(i)]);
  EXPECT_EQ(fed(values, SignalKind::Level), fed(shuffled, SignalKind::Level));
  EXPECT_EQ(fed(values, SignalKind::Count), fed(shuffled, SignalKind::Count));
}

TEST(SignalSeries, ThePastIsTheSameHoweverOftenItIsAskedFor) {
  SignalSeries series = count();
  for (int t = 1000; t < 1100; t += 3) series.observe(at_s(t), 1, at_s(t));
  const auto same = [&](double end, std::size_t steps) {
    const std::span<const float> past = series.past(at_s(end), steps);
    const std::vector<float> wanted =
        series.aligned(at_s(end - 10 * static_cast<double>(steps)), steps, at_s(end));
    EXPECT_TRUE(std::ranges::equal(past, wanted)) << end << " " << steps;
  };
  same(1100, 3);
  same(1100, 8);
  same(1100, 2);
  same(1090, 8);
  series.observe(at_s(1085), 5, at_s(1100));
  same(1090, 8);
  EXPECT_EQ(series.past(at_s(1090), 1)[0], 8);
}

TEST(SignalSeries, AForecastIsRevised) {
  SignalSeries series = level();
  series.observe(at_s(1000), 1, at_s(1000));
  series.observe(at_s(1010), 5, at_s(1000));
  series.observe(at_s(1010), 3, at_s(1005));
  expect_steps(series.aligned(at_s(1000), 2, kNever), {1, 3});
}

TEST(SignalSeries, WhatHoldsAtTheBeginningIsNotForgotten) {
  SignalSeries series = level();
  series.observe(at_s(0), 9, at_s(0));
  for (int t = 5000; t < 5020; ++t) series.observe(at_s(t), 1, at_s(t));
  expect_steps(series.aligned(at_s(4980), 3, kNever), {9, 9, 1});
}

TEST(SignalSeries, OnACoarserGridALevelIsItsMeanAndACountItsSum) {
  SignalSeries prices = level();
  SignalSeries posts = count();
  for (int i = 0; i < 12; ++i) {
    prices.observe(at_s(1000 + 10 * i), i, at_s(1120));
    posts.observe(at_s(1000 + 10 * i), i, at_s(1120));
  }
  const SignalSeries coarse = prices.coarser(6);
  EXPECT_EQ(coarse.options().step, 60s);
  expect_steps(coarse.aligned(at_s(1000), 2, kNever), {2.5, 8.5});
  expect_steps(posts.coarser(6).aligned(at_s(940), 4, at_s(1120)), {kNan, 15, 51, kNan});
  EXPECT_EQ(coarse.size(), prices.size()) << "short pieces stay as they are";
}

TEST(SignalSeries, MoreOfTheFutureIsTakenWhereThereIsToBeRoom) {
  SignalSeries narrow({.kind = SignalKind::Level, .step = 10s, .past_steps = 4, .future_steps = 1});
  SignalSeries wide = narrow.with_future(100);
  for (int i = 0; i < 100; ++i) {
    narrow.observe(at_s(1000 + 10 * i), i, at_s(1000));
    wide.observe(at_s(1000 + 10 * i), i, at_s(1000));
  }
  EXPECT_LT(narrow.size(), 30U);
  EXPECT_EQ(wide.size(), 100U);
}

TEST(SignalSeries, WhatIsNotFiniteOrTooOldIsNoValue) {
  SignalSeries series = level();
  for (const double value : {kNan, std::numeric_limits<double>::infinity()})
    series.observe(at_s(5000), value, at_s(5000));
  series.observe(at_s(10), 1, at_s(5000));
  EXPECT_EQ(series.size(), 0U);
  expect_steps(series.aligned(at_s(5000), 2, kNever), {kNan, kNan});
}

TEST(SignalSeries, AnyFloodIsBoundedAndKeepsWhatIsNear) {
  for (const SignalKind kind : {SignalKind::Level, SignalKind::Count}) {
    SignalSeries series({.kind = kind, .step = 10s, .past_steps = 100, .future_steps = 10});
    Random random(5);
    TimePoint now = at_s(100'000);
    for (int i = 0; i < 20'000; ++i) {
      now += 50ms;
      const Duration away(static_cast<std::int64_t>(random.below(4'000'000'000)) - 2'000'000'000);
      series.observe(i % 2 == 0 ? now : now + away, 1, now);
      ASSERT_LE(series.size(), 4U * 110 + 2);
    }
    series.observe(now, 5, now);
    const std::vector<float> steps = series.aligned(now - 10s, 1, kNever);
    EXPECT_FALSE(std::isnan(steps[0]));
  }
}

TEST(SignalSeries, TimesBeforeTheEpochAndAtTheEndOfTimeAreHarmless) {
  SignalSeries series = level(1s);
  series.observe(at_s(-7), 2, at_s(-7));
  series.observe(kNever, 1, at_s(0));
  series.observe(kNever - Duration(1), 1, at_s(0));
  expect_steps(series.aligned(at_s(-10), 1, kNever), {kNan});
  EXPECT_LE(series.size(), 2U);
}

TEST(SignalSeries, SaysWhatHoldsNow) {
  SignalSeries price = level(15s);
  EXPECT_FALSE(price.latest(at_s(1000)));
  price.observe(at_s(1010), 4, at_s(1010));
  price.observe(at_s(1060), 8, at_s(1010));  // foreseen
  EXPECT_FALSE(price.latest(at_s(1000)));
  EXPECT_EQ(price.latest(at_s(1020)), 4);
  EXPECT_FALSE(price.latest(at_s(1040))) << "it held for so long only";
  EXPECT_EQ(price.latest(at_s(1061)), 8);
  SignalSeries posts = count();
  posts.observe(at_s(1000), 1, at_s(1000));
  posts.observe(at_s(1005), 2, at_s(1005));
  EXPECT_EQ(posts.latest(at_s(1007)), 3);
  EXPECT_EQ(posts.latest(at_s(1012)), 2) << "of the last ten seconds";
  EXPECT_EQ(posts.latest(at_s(1030)), 0);
}

}  // namespace
}  // namespace forewarm
