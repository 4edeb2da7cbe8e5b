#include "edge/trace/history_csv.h"

#include <gtest/gtest.h>

#include <cmath>

namespace forewarm {
namespace {

struct Seen {
  HistoryCsv::Format format;
  std::string series;
  HistoryRow row;
};

Result<std::vector<Seen>> parse_history(std::string_view text, std::size_t piece = 1000) {
  std::vector<Seen> seen;
  HistoryCsv csv("h.csv", [&](HistoryCsv::Format format, const HistoryRow& row) -> Result<void> {
    seen.push_back({format, std::string(row.series), row});
    return {};
  });
  for (std::size_t at = 0; at < text.size(); at += piece) {
    if (Result<void> fed = csv.feed(text.substr(at, piece)); !fed) return std::unexpected(fed.error());
  }
  if (Result<void> end = csv.finish(); !end) return std::unexpected(end.error());
  return seen;
}

std::string refusal(std::string_view text) {
  const auto parsed = parse_history(text);
  return parsed ? "" : parsed.error().message;
}

TEST(HistoryCsv, ReadsTheThreeFormats) {
  const auto binned = parse_history("timestamp_s,queue,count\n60,a,3\n120.5,b,\n", 3);
  ASSERT_TRUE(binned) << binned.error().message;
  ASSERT_EQ(binned->size(), 2U);
  EXPECT_EQ((*binned)[0].format, HistoryCsv::Format::Binned);
  EXPECT_EQ((*binned)[0].series, "a");
  EXPECT_EQ((*binned)[0].row.at_us, 60'000'000);
  EXPECT_EQ((*binned)[0].row[HistoryField::Count], 3);
  EXPECT_TRUE(std::isnan((*binned)[1].row[HistoryField::Count]));
  const auto messages = parse_history("timestamp_s,queue,bytes,duration_ms,priority\n1,a,100,2.5,LS\n");
  ASSERT_TRUE(messages);
  EXPECT_EQ((*messages)[0].format, HistoryCsv::Format::PerMessage);
  EXPECT_EQ((*messages)[0].row[HistoryField::DurationMs], 2.5);
  EXPECT_TRUE(std::isnan((*messages)[0].row[HistoryField::OwnPriority]));
  const auto gauge = parse_history("timestamp_s,queue,value\n1,cpu,-0.5\n");
  ASSERT_TRUE(gauge);
  EXPECT_EQ((*gauge)[0].format, HistoryCsv::Format::Gauge);
  EXPECT_EQ((*gauge)[0].row[HistoryField::Value], -0.5);
}

TEST(HistoryCsv, NamesThePlaceOfWhatIsWrong) {
  EXPECT_NE(refusal("").find("h.csv:1:1: the file is empty"), std::string::npos);
  EXPECT_NE(refusal("timestamp_s,queue,count\n").find("h.csv:2:1: no rows"), std::string::npos);
  EXPECT_NE(refusal("time,queue,count\n1,a,2\n").find("h.csv:1:1: no column timestamp_s"), std::string::npos);
  EXPECT_NE(refusal("timestamp_s,name,count\n1,a,2\n").find("no column queue"), std::string::npos);
  EXPECT_NE(refusal("timestamp_s,queue,count\n1,a,2\n2,a,x\n").find("h.csv:3:5: count must be"),
            std::string::npos);
  EXPECT_NE(refusal("timestamp_s,queue,count\n1,a,-2\n").find("h.csv:2:5: count must be"), std::string::npos);
  EXPECT_NE(refusal("timestamp_s,queue,count\n1e12,a,2\n").find("h.csv:2:1: timestamp_s"), std::string::npos);
  EXPECT_NE(refusal("timestamp_s,queue,count\n1,,2\n").find("h.csv:2:3: the name is empty"),
            std::string::npos);
  EXPECT_NE(refusal("timestamp_s,queue,count\n1\n").find("h.csv:2:2: expected at least 2"),
            std::string::npos);
  EXPECT_NE(refusal("timestamp_s,queue,count,count\n").find("h.csv:1:25: the column count is there twice"),
            std::string::npos);
}

}  // namespace
}  // namespace forewarm
