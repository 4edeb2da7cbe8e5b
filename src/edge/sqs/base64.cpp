#include "edge/sqs/base64.h"

#include <array>
#include <cstdint>

namespace forewarm::sqs {
namespace {

constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::uint8_t kNotInAlphabet = 255;

constexpr std::array<std::uint8_t, 256> kValues = [] {
  std::array<std::uint8_t, 256> values{};
  values.fill(kNotInAlphabet);
  for (std::size_t i = 0; i < kAlphabet.size(); ++i) {
    values[static_cast<unsigned char>(kAlphabet[i])] = static_cast<std::uint8_t>(i);
  }
  return values;
}();

std::uint32_t byte(char c) {
  return static_cast<unsigned char>(c);
}

}  // namespace

std::string base64_encode(std::string_view bytes) {
  std::string out((bytes.size() + 2) / 3 * 4, '=');
  for (char* at = out.data(); !bytes.empty(); at += 4) {
    const std::size_t count = bytes.size() < 3 ? bytes.size() : 3;
    std::uint32_t bits = byte(bytes[0]) << 16U;
    if (count > 1) bits |= byte(bytes[1]) << 8U;
    if (count > 2) bits |= byte(bytes[2]);
    at[0] = kAlphabet[bits >> 18U];
    at[1] = kAlphabet[(bits >> 12U) & 63U];
    if (count > 1) at[2] = kAlphabet[(bits >> 6U) & 63U];
    if (count > 2) at[3] = kAlphabet[bits & 63U];
    bytes.remove_prefix(count);
  }
  return out;
}

std::optional<std::string> base64_decode(std::string_view text) {
  if (text.size() % 4 != 0) return std::nullopt;
  std::string out(text.size() / 4 * 3, '\0');
  std::size_t size = 0;
  while (!text.empty()) {
    const bool last = text.size() == 4;
    std::size_t count = 3;
    if (last && text[3] == '=') count = text[2] == '=' ? 1 : 2;
    std::uint32_t bits = 0;
    for (std::size_t i = 0; i < 4; ++i) {
      const std::uint8_t value = i <= count ? kValues[static_cast<unsigned char>(text[i])] : std::uint8_t{0};
      if (value == kNotInAlphabet) return std::nullopt;
      bits = bits << 6U | value;
    }
    // Bits beyond the last byte must be zero, so that no two texts mean the same bytes.
    if ((count == 1 && (bits & 0xFFFFU) != 0) || (count == 2 && (bits & 0xFFU) != 0)) return std::nullopt;
    out[size++] = static_cast<char>(bits >> 16U);
    if (count > 1) out[size++] = static_cast<char>(bits >> 8U & 255U);
    if (count > 2) out[size++] = static_cast<char>(bits & 255U);
    text.remove_prefix(4);
  }
  out.resize(size);
  return out;
}

}  // namespace forewarm::sqs
