#include "edge/trace/series_parser.h"

#include <gtest/gtest.h>

#include <cmath>

namespace forewarm {
namespace {

Result<std::vector<RecordedSeries>> series_of(std::string_view bytes, const SeriesOptions& options = {},
                                              std::size_t piece = 1 << 20) {
  SeriesParser parser("t.csv", options);
  for (std::size_t at = 0; at < bytes.size(); at += piece) {
    if (Result<void> fed = parser.feed(bytes.substr(at, piece)); !fed) return std::unexpected(fed.error());
  }
  return parser.finish();
}

std::string error_of(std::string_view bytes, const SeriesOptions& options = {}) {
  const auto read = series_of(bytes, options);
  return read ? "no error" : read.error().message;
}

/// NaN as -1, so that lists compare.
std::vector<float> plain(std::vector<float> values) {
  for (float& value : values) value = std::isnan(value) ? -1 : value;
  return values;
}

constexpr std::string_view kCounts = "timestamp_s,queue,count\n120,a,3\n240,a,1\n180,b,2\n300,b,5\n";

TEST(SeriesParser, counts_stand_on_the_grid_on_which_they_were_recorded) {
  for (const std::size_t piece : {1u, 7u, 1000u}) {
    const auto read = series_of(kCounts, {}, piece);
    ASSERT_TRUE(read) << read.error().message;
    ASSERT_EQ(read->size(), 2u);
    EXPECT_EQ((*read)[0].name, "a");
    EXPECT_EQ((*read)[0].step, 60s);
    EXPECT_EQ((*read)[0].start, TimePoint() + 120s);
    EXPECT_EQ((*read)[0].values, (std::vector<float>{3, 0, 1, 0})) << "both queues were watched for as long";
  }
}

TEST(SeriesParser, an_absent_interval_is_zero_or_not_measured_as_said) {
  const std::string_view bytes = "timestamp_s,queue,count\n0,a,3\n60,a,1\n240,a,2\n";
  EXPECT_EQ((*series_of(bytes))[0].values, (std::vector<float>{3, 1, 0, 0, 2}));
  const auto missing = series_of(bytes, {.absent = AbsentRow::NotMeasured});
  EXPECT_EQ(plain((*missing)[0].values), (std::vector<float>{3, 1, -1, -1, 2}));
}

TEST(SeriesParser, coarser_steps_add_counts_and_leave_out_what_is_not_whole) {
  const std::string_view bytes =
      "timestamp_s,queue,count\n60,a,1\n120,a,"
      "2\n180,a,3\n240,a,4\n300,a,5\n360,a,6\n";
  const auto read = series_of(bytes, {.step = 2min});
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ((*read)[0].start, TimePoint() + 2min);
  EXPECT_EQ((*read)[0].values, (std::vector<float>{5, 9})) << "0-120 and 360-480 are covered in part";
  const std::string_view gap = "timestamp_s,queue,count\n0,a,1\n60,a,2\n120,a,3\n240,a,4\n300,a,5\n";
  const auto missing = series_of(gap, {.step = 2min, .absent = AbsentRow::NotMeasured});
  EXPECT_EQ(plain((*missing)[0].values), (std::vector<float>{3, -1, 9}));
}

TEST(SeriesParser, messages_are_counted_by_the_minute_unless_told_otherwise) {
  const std::string_view bytes =
      "timestamp_s,queue,bytes,duration_ms\n0,a,,"
      "1\n59.9,a,,1\n61,a,,\n130,b,,1\n185,a,,1\n";
  const auto read = series_of(bytes);
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ((*read)[0].values, (std::vector<float>{2, 1, 0}));
  EXPECT_EQ((*read)[1].values, (std::vector<float>{0, 0, 1}));
  EXPECT_EQ((*series_of(bytes, {.step = 30s}))[0].values.size(), 6u);
}

TEST(SeriesParser, a_gauge_is_averaged_and_has_gaps) {
  const std::string_view bytes =
      "timestamp_s,queue,value\n0,a,1\n60,a,3\n240,"
      "a,5\n300,a,7\n0,b,9\n15,b,9\n";
  EXPECT_NE(error_of(bytes, {.step = 2min}).find("longer than the record of queue \"b\""), std::string::npos);
  const auto one = series_of(bytes, {.queues = {"a"}, .step = 2min});
  ASSERT_TRUE(one) << one.error().message;
  EXPECT_EQ(plain((*one)[0].values), (std::vector<float>{2, -1, 6}));
  const auto both = series_of(bytes);
  EXPECT_EQ((*both)[0].step, 60s);
  EXPECT_EQ((*both)[1].step, 15s) << "a gauge has a grid of its own";
}

TEST(SeriesParser, series_without_times_need_a_step) {
  const std::string_view bytes = "series,values\nH1,1 2 3.5\nH2,4 5\n";
  const auto read = series_of(bytes, {.step = 1h});
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ((*read)[0].values, (std::vector<float>{1, 2, 3.5F}));
  EXPECT_EQ((*read)[1].values, (std::vector<float>{4, 5}));
  EXPECT_EQ((*read)[1].step, 1h);
  EXPECT_EQ(error_of(bytes).rfind("t.csv:2:4: series without times: say with --step", 0), 0u);
  EXPECT_NE(error_of(bytes, {.step = 1h, .regressors = {"a"}}).find("no further columns"), std::string::npos);
  EXPECT_EQ(error_of("series,values\nH1,1 x\n", {.step = 1h}).rfind("t.csv:2:6: expected numbers", 0), 0u);
}

TEST(SeriesParser, another_column_and_regressors_can_be_chosen) {
  const std::string_view bytes =
      "timestamp_s,queue,count,casual,holiday\n0,a,"
      "9,4,1\n60,a,9,5,\n180,a,9,6,0\n";
  const auto read = series_of(bytes, {.column = "casual", .regressors = {"holiday"}});
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ((*read)[0].values, (std::vector<float>{4, 5, 0, 6}));
  EXPECT_EQ((*read)[0].regressor_names, std::vector<std::string>{"holiday"});
  EXPECT_EQ((*read)[0].regressors[0], (std::vector<float>{1, 1, 1, 0})) << "a value holds until the next";
  EXPECT_NE(error_of(bytes, {.column = "casul"}).find("no column \"casul\"; there are"), std::string::npos);
}

TEST(SeriesParser, what_is_wrong_has_its_place) {
  EXPECT_EQ(error_of("").rfind("t.csv:1:1: the file is empty", 0), 0u);
  EXPECT_EQ(error_of("timestamp_s,queue,count\n").rfind("t.csv:2:1: no rows", 0), 0u);
  EXPECT_EQ(error_of("time,queue,count\n").rfind("t.csv:1:1: no column timestamp_s", 0), 0u);
  EXPECT_EQ(error_of("timestamp_s,queue,count\nx,a,1\n").rfind("t.csv:2:1: timestamp_s must", 0), 0u);
  EXPECT_EQ(error_of("timestamp_s,queue,count\n1,a,many\n").rfind("t.csv:2:5: expected a number", 0), 0u);
  EXPECT_EQ(error_of("timestamp_s,queue,count\n1,,1\n").rfind("t.csv:2:3: the queue's name", 0), 0u);
  EXPECT_EQ(error_of("timestamp_s,queue,count\n1,a\n").rfind("t.csv:2:4: expected at least 3", 0), 0u);
  EXPECT_NE(error_of(kCounts, {.queues = {"c"}}).find("no queue \"c\" in it; it has 2, such as a, b"),
            std::string::npos);
  EXPECT_NE(error_of(kCounts, {.step = 90s}).find("must be a multiple of it, not 90 s"), std::string::npos);
  const auto many = series_of("timestamp_s,queue,count\n0,a,1\n1,a,1\n1e9,a,1\n");
  ASSERT_FALSE(many);
  EXPECT_EQ(many.error().code, ErrorCode::Exhausted);
  EXPECT_NE(many.error().message.find("longer --step"), std::string::npos);
  EXPECT_EQ(read_series("/nowhere.csv", {}).error().code, ErrorCode::NotFound);
}

}  // namespace
}  // namespace forewarm
