#include "edge/sqs/byte_words.h"

#include <gtest/gtest.h>

#include <string>

#include "edge/sqs/json_text.h"
#include "edge/sqs/limits.h"

namespace forewarm::sqs {
namespace {

constexpr std::size_t kLength = 75;  // two stretches of escapes, a word and a rest

std::string plain_with(std::size_t place, char byte) {
  std::string text(kLength, 'x');
  text[place] = byte;
  return text;
}

TEST(ByteWords, a_word_agrees_with_its_bytes) {
  for (int value = 0; value < 256; ++value) {
    for (std::size_t place = 0; place < kWordBytes; ++place) {
      std::string text(kWordBytes, '~');
      text[place] = static_cast<char>(value);
      const std::uint64_t word = load_word(text, 0);
      EXPECT_EQ(has_byte_below(word, 0x20), value < 0x20) << value << " at " << place;
      EXPECT_EQ(is_ascii(word), value < 0x80) << value << " at " << place;
    }
  }
}

TEST(ByteWords, a_byte_that_is_not_allowed_is_found_at_every_place) {
  for (int value = 0; value < 256; ++value) {
    const bool allowed = (value >= 0x20 && value < 0x80) || value == '\t' || value == '\n' || value == '\r';
    for (std::size_t place = 0; place < kLength; ++place) {
      EXPECT_EQ(is_allowed_text(plain_with(place, static_cast<char>(value))), allowed)
          << value << " at " << place;
    }
  }
}

TEST(ByteWords, an_escape_is_written_at_every_place) {
  for (const auto& [byte, escape] : {std::pair<char, std::string>{'"', "\\\""},
                                     {'\\', "\\\\"},
                                     {'\n', "\\n"},
                                     {'\x01', "\\u0001"},
                                     {'\x7f', "\\u007f"},
                                     {'/', "/"}}) {
    for (std::size_t place = 0; place < kLength; ++place) {
      JsonText json;
      json.text(plain_with(place, byte));
      EXPECT_EQ(json.take(),
                "\"" + std::string(place, 'x') + escape + std::string(kLength - place - 1, 'x') + "\"");
    }
  }
}

}  // namespace
}  // namespace forewarm::sqs
