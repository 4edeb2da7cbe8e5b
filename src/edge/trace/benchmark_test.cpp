#include "edge/trace/benchmark.h"

#include <gtest/gtest.h>

#include <cmath>

namespace forewarm {
namespace {

constexpr std::string_view kHeader = "series,set,step_s,m1,m2,h,window,origins,stride,t0_s,regressors\n";

std::string meta_error(const std::string& rows) {
  const auto read = parse_benchmark_meta("meta.csv", std::string(kHeader) + rows);
  return read ? "no error" : read.error().message;
}

TEST(Benchmark, reads_where_each_series_is_to_be_forecast) {
  const auto all = parse_benchmark_meta(
      "meta.csv", std::string(kHeader) + "bike,exo1h,3600,24,168,48,8760,5,96,1293840000,bike.reg.csv\n");
  ASSERT_TRUE(all) << all.error().message;
  ASSERT_EQ(all->size(), 1u);
  const BenchmarkSeries& one = all->front();
  EXPECT_EQ(one.set, "exo1h");
  EXPECT_EQ(one.series.name, "bike");
  EXPECT_EQ(one.series.step, 1h);
  EXPECT_EQ(one.series.start, time_point_us(1'293'840'000'000'000));
  EXPECT_EQ(one.season, 24u);
  EXPECT_EQ(one.long_season, 168u);
  EXPECT_EQ(one.horizon, 48u);
  EXPECT_EQ(one.window, 8760u);
  EXPECT_EQ(one.origins, 5u);
  EXPECT_EQ(one.stride, 96u);
  EXPECT_EQ(one.regressors_file, "bike.reg.csv");
}

TEST(Benchmark, names_the_place_of_what_it_cannot_read) {
  EXPECT_EQ(meta_error("a,s,60,1440,x,30,100,1,1,0,\n").rfind("meta.csv:2:13: m2 must", 0), 0u);
  EXPECT_EQ(meta_error("a,s,60,1440,10080,0,100,1,1,0,\n").rfind("meta.csv:2:19: h must", 0), 0u);
  EXPECT_NE(meta_error("a,s,60\n").find("expected 11 columns"), std::string::npos);
  EXPECT_NE(meta_error("../a,s,60,1,1,3,9,1,1,0,\n").find("a name that can be a file's"), std::string::npos);
  EXPECT_NE(meta_error("").find("no series"), std::string::npos);
  const auto headless = parse_benchmark_meta("meta.csv", "series,set\n");
  EXPECT_NE(headless.error().message.find("no column step_s"), std::string::npos);
}

TEST(Benchmark, an_empty_line_is_a_step_that_was_not_measured) {
  const auto values = parse_benchmark_values("a.csv", "y\r\n3\r\n\r\n4.5\n");
  ASSERT_TRUE(values) << values.error().message;
  ASSERT_EQ(values->size(), 3u);
  EXPECT_EQ((*values)[0], 3);
  EXPECT_TRUE(std::isnan((*values)[1]));
  EXPECT_EQ((*values)[2], 4.5F);
  EXPECT_EQ(parse_benchmark_values("a.csv", "y\n1\nmany\n").error().message.rfind("a.csv:3:1: ", 0), 0u);
  EXPECT_NE(parse_benchmark_values("a.csv", "value\n1\n").error().message.find("header y"),
            std::string::npos);
  EXPECT_FALSE(parse_benchmark_values("a.csv", ""));
  EXPECT_FALSE(parse_benchmark_values("a.csv", "y\n"));
}

TEST(Benchmark, regressors_are_as_long_as_the_series) {
  RecordedSeries series{.name = "a", .start = {}, .values = {1, 2}};
  ASSERT_TRUE(parse_benchmark_regressors("r.csv", "holiday,temp_c\n0,10.5\n1,\n", series));
  EXPECT_EQ(series.regressor_names, (std::vector<std::string>{"holiday", "temp_c"}));
  EXPECT_EQ(series.regressors[0], (std::vector<float>{0, 1}));
  EXPECT_TRUE(std::isnan(series.regressors[1][1]));
  const auto message = [&](std::string_view bytes) {
    return parse_benchmark_regressors("r.csv", bytes, series).error().message;
  };
  EXPECT_NE(message("holiday\n0\n").find("1 rows for a series of 2"), std::string::npos);
  EXPECT_EQ(message("holiday,temp_c\n0,1\n1\n").rfind("r.csv:3:2: expected 2 columns", 0), 0u);
  EXPECT_EQ(message("holiday\n0\nyes\n").rfind("r.csv:3:1: expected a number", 0), 0u);
}

TEST(Benchmark, a_folder_without_meta_is_not_found) {
  const auto read = read_benchmark("/nowhere", {});
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code, ErrorCode::NotFound);
  EXPECT_NE(read.error().message.find("/nowhere/meta.csv"), std::string::npos);
}

}  // namespace
}  // namespace forewarm
