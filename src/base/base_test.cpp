#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <map>

#include "base/id.h"
#include "base/id_map.h"
#include "base/math.h"
#include "base/random.h"
#include "base/time.h"
#include "base/time_text.h"

namespace forewarm {
namespace {

double ulps(double a, double b) {
  return std::abs(a - b) / std::max(std::abs(b) * 0x1.0p-52, 5e-324);
}

TEST(Math, ExpAndLogStayWithinTwoUnitsOfTheLibrary) {
  Random random(7);
  for (int i = 0; i < 200'000; ++i) {
    const double x = -745 + random.uniform() * 1454;
    if (std::exp(x) > 1e-300) {
      ASSERT_LE(ulps(exp(x), std::exp(x)), 2) << x;
    }
    const double y = std::exp(-700 + random.uniform() * 1400);
    ASSERT_LE(ulps(log(y), std::log(y)), 2) << y;
  }
  EXPECT_EQ(exp(0), 1);
  EXPECT_EQ(log(1), 0);
  EXPECT_TRUE(std::isinf(exp(710)));
  EXPECT_EQ(exp(-746), 0);
  EXPECT_TRUE(std::isnan(log(-1)));
  EXPECT_NEAR(log(5e-324), std::log(5e-324), 1e-10);
}

TEST(Math, SineAndCosineOfTurnsAgreeWithTheLibrary) {
  for (int i = -4000; i <= 4000; ++i) {
    const double x = 0.001234 * i;
    const auto [sine, cosine] = sine_cosine_turns(x);
    const long double angle = 6.283185307179586476925286766559L * static_cast<long double>(x);
    EXPECT_NEAR(sine, static_cast<double>(std::sin(angle)), 5e-16) << x;
    EXPECT_NEAR(cosine, static_cast<double>(std::cos(angle)), 5e-16) << x;
  }
  EXPECT_EQ(sine_cosine_turns(123456789.25).sine, 1.0);
  EXPECT_EQ(sine_cosine_turns(-0.5).cosine, -1.0);
}

TEST(Math, LogGammaAgreesWithTheLibrary) {
  for (double x = 1e-3; x < 1e6; x *= 1.07) {
    EXPECT_NEAR(log_gamma(x), std::lgamma(x), 1e-13 * std::max(1.0, std::abs(std::lgamma(x)))) << x;
  }
}

TEST(Math, NormalQuantileInvertsTheDistributionFunction) {
  for (double p = 0.0005; p < 1; p += 0.0005) EXPECT_NEAR(normal_cdf(normal_quantile(p)), p, 2e-9) << p;
  for (double z = -6; z <= 6; z += 0.01)
    EXPECT_NEAR(normal_cdf(z), 0.5 * std::erfc(-z / std::sqrt(2.0)), 1e-13) << z;
}

TEST(Random, SameSeedGivesSameDrawsAndMomentsAreRight) {
  Random a(42), b(42);
  for (int i = 0; i < 100; ++i) ASSERT_EQ(a.next(), b.next());
  Random random(1);
  double sum = 0, squares = 0, exponential = 0, poisson = 0;
  constexpr int kDraws = 200'000;
  for (int i = 0; i < kDraws; ++i) {
    const double z = random.normal();
    sum += z;
    squares += z * z;
    exponential += random.exponential(3);
    poisson += static_cast<double>(random.poisson(4.5));
  }
  EXPECT_NEAR(sum / kDraws, 0, 0.02);
  EXPECT_NEAR(squares / kDraws, 1, 0.02);
  EXPECT_NEAR(exponential / kDraws, 3, 0.05);
  EXPECT_NEAR(poisson / kDraws, 4.5, 0.05);
}

TEST(Time, SecondsRoundAndNeverOverflow) {
  EXPECT_EQ(from_seconds(1.5), 1500ms);
  EXPECT_EQ(from_seconds(-0.0000014), -1us);
  EXPECT_EQ(from_seconds(std::nan("")), 0us);
  EXPECT_EQ(saturating_add(kNever - 1s, 1h), kNever);
  EXPECT_GT(from_seconds(1e300), 1h);
}

using TestId = Id<struct TestTag>;

TEST(IdMap, AgreesWithAnOrderedMapUnderRandomInsertionAndErasure) {
  Random random(3);
  IdMap<TestId, int> map;
  std::map<std::uint64_t, int> model;
  for (int i = 0; i < 300'000; ++i) {
    const std::uint64_t key = 1 + random.below(20'000);
    if (random.chance(0.55)) {
      if (!model.contains(key)) {
        map.insert(TestId(key), i);
        model[key] = i;
      }
    } else {
      ASSERT_EQ(map.erase(TestId(key)), model.erase(key) == 1);
    }
    const std::uint64_t probe = 1 + random.below(20'000);
    const int* found = map.find(TestId(probe));
    const auto expected = model.find(probe);
    ASSERT_EQ(found != nullptr, expected != model.end());
    if (found) {
      ASSERT_EQ(*found, expected->second);
    }
    ASSERT_EQ(map.size(), model.size());
  }
}

TEST(TimeText, TimesAreReadInEveryFormThatIsWritten) {
  EXPECT_EQ(parse_time("2026-03-01T14:02:10.25Z"), time_point_us(1'772'373'730'250'000));
  EXPECT_EQ(parse_time("2026-03-01t15:02:10+01:00"), time_point_us(1'772'373'730'000'000));
  EXPECT_EQ(parse_time("1772373730.5"), time_point_us(1'772'373'730'500'000));
  for (const char* wrong : {"", "now", "2026-13-01T00:00:00Z", "2026-02-30T00:00:00Z", "2026-03-01T14:02:10",
                            "1e99", "nan", "-5", "2026-03-01T14:02:10.Z", "2026-03-01T25:00:00Z"})
    EXPECT_FALSE(parse_time(wrong)) << wrong;
}

TEST(IdMap, PointersStayValidWhileItGrows) {
  IdMap<TestId, int> map;
  int* first = &map.insert(TestId(1), 11);
  for (std::uint64_t i = 2; i < 100'000; ++i) map.insert(TestId(i), static_cast<int>(i));
  EXPECT_EQ(map.find(TestId(1)), first);
  EXPECT_EQ(*first, 11);
}

}  // namespace
}  // namespace forewarm
