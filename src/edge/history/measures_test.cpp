#include "edge/history/measures.h"

#include <gtest/gtest.h>

#include "edge/history/span_set.h"

namespace forewarm {
namespace {

TEST(SpanSet, AddsRemovesAndMeasures) {
  SpanSet set;
  set.add({10, 20});
  set.add({30, 40});
  set.add({20, 30});
  EXPECT_EQ(set.spans(), (std::vector<Span>{{10, 40}}));
  set.remove({15, 18});
  set.remove({0, 11});
  EXPECT_EQ(set.spans(), (std::vector<Span>{{11, 15}, {18, 40}}));
  EXPECT_EQ(set.overlap({0, 20}), 6);
  set.add({5, 50});
  EXPECT_EQ(set.spans(), (std::vector<Span>{{5, 50}}));
  set.remove({5, 50});
  EXPECT_TRUE(set.empty());
}

TEST(ServiceTimes, QuantilesAreAtMostATenthTooLarge) {
  ServiceTimes times;
  for (int i = 1; i <= 1000; ++i) times.observe(Duration(i * 1000));
  EXPECT_GE(times.quantile(0.5), 500ms);
  EXPECT_LE(times.quantile(0.5), 551ms);
  EXPECT_GE(times.quantile(0.99), 990ms);
  EXPECT_LE(times.quantile(0.99), 1090ms);
}

TEST(ServiceTimes, ReadBackWhatTheyWrite) {
  ServiceTimes times;
  times.observe(Duration(0));
  times.observe(30ms, 2.5);
  times.observe(24h * 30);
  const auto read = ServiceTimes::parse(times.text());
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(*read, times);
  for (const char* wrong : {"{", "{}", "{\"1\":2", "{\"1\":-2}", "{\"2\":1,\"1\":1}", "{\"1\":nan}", "x"})
    EXPECT_FALSE(ServiceTimes::parse(wrong)) << wrong;
}

TEST(Joining, FollowsEachColumnsRule) {
  Joining<SignalMeasures> signal;
  signal.add({1, 10, 10, 10, 10}, 1000);
  signal.add({3, 2, 1, 3, 3}, 1000);
  const SignalMeasures joined = signal.whole(4000, 2000);
  EXPECT_EQ(joined.count, 4);
  EXPECT_EQ(joined.mean, 4);
  EXPECT_EQ(joined.least, 1);
  EXPECT_EQ(joined.most, 10);
  EXPECT_EQ(joined.last, 3);
  Joining<FunctionMeasures> function;
  function.add({1, 100, 150, 1}, 1000);
  function.add({2, 400, 450, 2}, 3000);
  const FunctionMeasures whole = function.whole(8000, 4000);
  EXPECT_EQ(whole.cpu_seconds, 6);  // half was measured
  EXPECT_EQ(whole.memory_bytes, 325);
  EXPECT_EQ(whole.memory_bytes_max, 450);
  EXPECT_EQ(whole.instances, 1.75);
}

}  // namespace
}  // namespace forewarm
