#include "app/fan_chart.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <sstream>

namespace forewarm {
namespace {

FanPicture rising(std::size_t past, std::size_t ahead) {
  FanPicture picture;
  picture.start = TimePoint() + 12h;
  picture.step = 5min;
  for (std::size_t i = 0; i < past; ++i) picture.past.push_back(static_cast<float>(i));
  for (std::size_t h = 0; h < ahead; ++h) {
    const auto middle = static_cast<float>(past + h);
    picture.low.push_back(middle * 0.5F);
    picture.lower.push_back(middle * 0.8F);
    picture.median.push_back(middle);
    picture.upper.push_back(middle * 1.2F);
    picture.high.push_back(middle * 1.5F);
  }
  return picture;
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

/// Characters, not bytes.
std::size_t columns_of(const std::string& text) {
  std::size_t columns = 0;
  for (const char c : text) columns += (static_cast<unsigned char>(c) & 0xC0U) != 0x80U ? 1 : 0;
  return columns;
}

TEST(FanChart, NoLineIsWiderThanTheTerminal) {
  for (const std::size_t width : {20u, 40u, 79u, 80u, 132u, 300u}) {
    for (const auto& [past, ahead] :
         {std::pair(5u, 3u), std::pair(72u, 72u), std::pair(500u, 96u), std::pair(0u, 4u)}) {
      const std::vector<std::string> lines = lines_of(fan_chart(rising(past, ahead), {.width = width}));
      EXPECT_EQ(lines.size(), 15u);
      for (const std::string& line : lines) EXPECT_LE(columns_of(line), width);
    }
  }
}

TEST(FanChart, ShowsPastMedianBandsAndWhatCame) {
  FanPicture picture = rising(20, 20);
  const std::string forecast = fan_chart(picture, {.width = 60});
  for (const char* glyph : {"█", "│", "━", "▒", "░"})
    EXPECT_NE(forecast.find(glyph), std::string::npos) << glyph;
  EXPECT_EQ(forecast.find("●"), std::string::npos);
  EXPECT_EQ(forecast.find('\033'), std::string::npos);
  EXPECT_NE(forecast.find("12:00"), std::string::npos) << "the time of the forecast's beginning";
  picture.came = {20, 21, 22};
  EXPECT_NE(fan_chart(picture, {.width = 60}).find("●"), std::string::npos);
  EXPECT_NE(fan_chart(picture, {.width = 60, .colour = true}).find("\033[1;33m"), std::string::npos);
}

TEST(FanChart, SurvivesGapsZerosAndAWildQuantile) {
  FanPicture picture = rising(10, 10);
  picture.past.assign(10, std::numeric_limits<float>::quiet_NaN());
  for (auto* band : {&picture.low, &picture.lower, &picture.median, &picture.upper, &picture.high})
    band->assign(10, 0);
  EXPECT_NE(fan_chart(picture, {.width = 40}).find("━"), std::string::npos);
  picture = rising(10, 10);
  picture.high[3] = 1e9F;
  const std::vector<std::string> lines = lines_of(fan_chart(picture, {.width = 60}));
  EXPECT_EQ(lines[0].find('M'), std::string::npos) << "the axis still fits the rest: " << lines[0];
}

}  // namespace
}  // namespace forewarm
