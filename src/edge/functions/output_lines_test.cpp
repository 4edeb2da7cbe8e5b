#include "edge/functions/output_lines.h"

#include <gtest/gtest.h>

#include <vector>

namespace forewarm {
namespace {

std::vector<std::string> lines_of(const std::vector<std::string_view>& pieces) {
  OutputLines lines;
  std::vector<std::string> got;
  const auto take = [&](std::string line) { got.push_back(std::move(line)); };
  for (const std::string_view piece : pieces) lines.feed(piece, take);
  lines.finish(take);
  return got;
}

using Lines = std::vector<std::string>;

TEST(OutputLines, JoinsPiecesAndKeepsALastLineWithoutAnEnd) {
  EXPECT_EQ(lines_of({"on", "e\ntwo\r\n", "\nthr", "ee"}), (Lines{"one", "two", "", "three"}));
  EXPECT_EQ(lines_of({}), Lines{});
}

TEST(OutputLines, CutsALongLineAndSaysByHowMuch) {
  const std::string line(OutputLines::kLineMaxBytes + 100, 'x');
  const Lines got = lines_of({line, line, "\nnext\n"});
  ASSERT_EQ(got.size(), 2U);
  EXPECT_TRUE(got[0].ends_with("x [8392 bytes more]"));
  EXPECT_EQ(got[1], "next");
}

TEST(OutputLines, NothingThatSteersATerminalOrForgesALineComesThrough) {
  EXPECT_EQ(escape_control_characters("\x1b[31mred\x07\t|\x7f\x00|"
                                      "a\rb"),
            "\\x1b[31mred\\x07\t|\\x7f");
  EXPECT_EQ(escape_control_characters(std::string_view("a\0b\rc", 5)), "a\\x00b\\x0dc");
  EXPECT_EQ(escape_control_characters("gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x98\x80"), "grüß € 😀");
  EXPECT_EQ(escape_control_characters("\xc2\x9b"
                                      "31m"),
            "\\xc2\\x9b31m");  // C1 CSI
  EXPECT_EQ(escape_control_characters("\xff|\xc3|\xc0\x80|\xed\xa0\x80|\xf4\x90\x80\x80"),
            "\\xff|\\xc3|\\xc0\\x80|\\xed\\xa0\\x80|\\xf4\\x90\\x80\\x80");
  EXPECT_EQ(escape_control_characters("\xe2\x82"), "\\xe2\\x82");
}

}  // namespace
}  // namespace forewarm
