#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>

namespace forewarm::sqs {

/// Eight bytes of a text looked at in one go: message bodies are long and nearly all of them is plain.
/// Source: Anderson, Bit Twiddling Hacks, "Determine if a word has a zero byte / a byte less than n".
constexpr std::size_t kWordBytes = sizeof(std::uint64_t);
constexpr std::uint64_t kEachByte = 0x0101010101010101U;
constexpr std::uint64_t kHighBits = 0x8080808080808080U;

inline std::uint64_t load_word(std::string_view text, std::size_t at) {
  std::uint64_t word = 0;
  std::memcpy(&word, text.data() + at, kWordBytes);
  return word;
}

/// True if a byte is below the bound, at most 128; exact.
constexpr bool has_byte_below(std::uint64_t word, std::uint8_t bound) {
  return ((word - kEachByte * bound) & ~word & kHighBits) != 0;
}

constexpr bool is_ascii(std::uint64_t word) {
  return (word & kHighBits) == 0;
}

}  // namespace forewarm::sqs
