#include "edge/signal/json_points.h"

#include <gtest/gtest.h>

#include <cmath>

namespace forewarm {
namespace {

constexpr TimePoint kNow = time_point_us(1'772'373'730'000'000);

std::vector<Observation> taken(std::string_view text, const PointShape& shape = {}) {
  const Result<Points> points = read_json_points(text, shape, kNow);
  EXPECT_TRUE(points) << text;
  return points ? points->taken : std::vector<Observation>();
}

TEST(JsonPoints, ANumberIsAValueOfNow) {
  EXPECT_EQ(taken("42"), (std::vector<Observation>{{kNow, 42}}));
  EXPECT_EQ(taken("[1, -2.5, \"3e2\", true]"),
            (std::vector<Observation>{{kNow, 1}, {kNow, -2.5}, {kNow, 300}, {kNow, 1}}));
}

TEST(JsonPoints, AnItemHasItsTimeInAnyUsualForm) {
  for (const char* time : {"\"2026-03-01T14:02:10Z\"", "\"2026-03-01T15:02:10+01:00\"", "1772373730",
                           "1772373730.0", "1772373730000", "1772373730000000", "\"1772373730\""}) {
    EXPECT_EQ(taken("{\"time\":" + std::string(time) + ",\"value\":7}"),
              (std::vector<Observation>{{kNow, 7}}))
        << time;
  }
}

TEST(JsonPoints, PointersLeadToItemsValuesAndTimes) {
  EXPECT_EQ(taken(R"({"list":[{"dt":100,"main":{"temp":3}},{"dt":200,"main":{"temp":4}}]})",
                  {.items = "/list", .value = "/main/temp", .time = "/dt"}),
            (std::vector<Observation>{{time_point_us(100'000'000), 3}, {time_point_us(200'000'000), 4}}));
  EXPECT_EQ(taken("[[100,3],[200,4]]", {.items = "", .value = "/1", .time = "/0"}),
            (std::vector<Observation>{{time_point_us(100'000'000), 3}, {time_point_us(200'000'000), 4}}));
  EXPECT_EQ(taken(R"({"a/b":{"m~n":8}})", {.items = "", .value = "/a~1b/m~0n", .time = "/t"}),
            (std::vector<Observation>{{kNow, 8}}));
}

TEST(JsonPoints, WhatIsNoValueIsCountedAndTheRestTaken) {
  const Result<Points> points = read_json_points(
      R"([{"value":1},{"valeu":2},{"value":"x"},{"value":null},{"value":3,"time":"soon"},{"value":[1]},"4"])",
      {}, kNow);
  ASSERT_TRUE(points);
  EXPECT_EQ(points->taken, (std::vector<Observation>{{kNow, 1}, {kNow, 4}}));
  EXPECT_EQ(points->malformed, 5U);
  EXPECT_NE(points->problem.find("nothing at /value"), std::string::npos);
}

TEST(JsonPoints, WhatIsNoJsonIsAnError) {
  for (const char* wrong : {"", "{", "[1,]", "NaN", "{\"value\":1} x"})
    EXPECT_FALSE(read_json_points(wrong, {}, kNow)) << wrong;
  const Result<Points> nothing = read_json_points("{}", {.items = "/list"}, kNow);
  ASSERT_FALSE(nothing);
  EXPECT_NE(nothing.error().message.find("/list"), std::string::npos);
  EXPECT_FALSE(read_json_points(std::string(10'000, '['), {}, kNow));
}

TEST(JsonPoints, ValuesThatAreNoNumbersComeThroughForTheIntakeToCount) {
  EXPECT_TRUE(std::isnan(taken("\"NaN\"")[0].value));
  EXPECT_TRUE(std::isinf(taken("\"+Inf\"")[0].value));
  EXPECT_FALSE(parse_value("+-1"));
  EXPECT_FALSE(parse_value(" "));
  EXPECT_EQ(parse_value(" +1.5 "), 1.5);
}

TEST(JsonPoints, TimesFarAwayAreRefused) {
  for (const char* wrong : {"1e300", "-1e300", "\"1e40\"", "1e18"})
    EXPECT_EQ(read_json_points("{\"value\":1,\"time\":" + std::string(wrong) + "}", {}, kNow)->malformed, 1U)
        << wrong;
}

TEST(JsonPointer, ItsFormIsChecked) {
  for (const char* right : {"", "/", "/a", "/a/0/b", "/~0~1", "/a b"}) EXPECT_TRUE(check_pointer(right));
  for (const char* wrong : {"a", "a/b", "/~", "/~2", "$.a"}) EXPECT_FALSE(check_pointer(wrong)) << wrong;
}

}  // namespace
}  // namespace forewarm
