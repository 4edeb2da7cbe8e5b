#include "edge/observe/json_writer.h"

#include <charconv>
#include <cmath>

namespace forewarm {
namespace {

constexpr std::string_view kHex = "0123456789abcdef";
constexpr std::string_view kReplacement = "\xef\xbf\xbd";

/// Length of the valid UTF-8 sequence at `at`, or 0 (Unicode 15, table 3-7).
std::size_t utf8_length(std::string_view text, std::size_t at) {
  const auto byte = [&](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U; };
  const unsigned first = byte(at), second = byte(at + 1);
  const auto follows = [](unsigned b) { return (b & 0xc0U) == 0x80U; };
  if (first >= 0xc2 && first <= 0xdf) return follows(second) ? 2 : 0;
  if (first >= 0xe0 && first <= 0xef) {
    const bool fits = !(first == 0xe0 && second < 0xa0) && !(first == 0xed && second > 0x9f);
    return fits && follows(second) && follows(byte(at + 2)) ? 3 : 0;
  }
  if (first >= 0xf0 && first <= 0xf4) {
    const bool fits = !(first == 0xf0 && second < 0x90) && !(first == 0xf4 && second > 0x8f);
    return fits && follows(second) && follows(byte(at + 2)) && follows(byte(at + 3)) ? 4 : 0;
  }
  return 0;
}

void write_ascii(char c, std::string& out) {
  switch (c) {
    case '"':
      out += "\\\"";
      return;
    case '\\':
      out += "\\\\";
      return;
    case '\n':
      out += "\\n";
      return;
    case '\r':
      out += "\\r";
      return;
    case '\t':
      out += "\\t";
      return;
    default:
      break;
  }
  const auto byte = static_cast<unsigned char>(c);
  if (byte >= 0x20 && byte != 0x7f) {
    out += c;
    return;
  }
  out += "\\u00";
  out += kHex[byte >> 4U];
  out += kHex[byte & 15U];
}

template <class Number>
void write_number(Number value, std::string& out) {
  char digits[64];
  // Fixed notation for the sizes that people read, the shorter of both beyond.
  const bool plain = value == 0 || (std::abs(value) >= Number(1e-6) && std::abs(value) < Number(1e15));
  const auto end = plain ? std::to_chars(digits, digits + sizeof digits, value, std::chars_format::fixed)
                         : std::to_chars(digits, digits + sizeof digits, value);
  out.append(digits, end.ptr);
}

}  // namespace

void write_json_string(std::string_view text, std::string& out) {
  out += '"';
  for (std::size_t i = 0; i < text.size();) {
    if (static_cast<unsigned char>(text[i]) < 0x80) {
      write_ascii(text[i++], out);
    } else if (const std::size_t length = utf8_length(text, i); length > 0) {
      const auto second = static_cast<unsigned char>(text[i + 1]);
      if (text[i] == '\xc2' && second < 0xa0) {  // C1 controls: terminals obey them
        out += "\\u00";
        out += kHex[second >> 4U];
        out += kHex[second & 15U];
      } else {
        out.append(text, i, length);
      }
      i += length;
    } else {
      out += kReplacement;
      ++i;
    }
  }
  out += '"';
}

void JsonWriter::separate() {
  if (comma_) out_ += ',';
  comma_ = true;
}

JsonWriter& JsonWriter::open_object() {
  separate();
  out_ += '{';
  comma_ = false;
  return *this;
}

JsonWriter& JsonWriter::close_object() {
  out_ += '}';
  comma_ = true;
  return *this;
}

JsonWriter& JsonWriter::open_array() {
  separate();
  out_ += '[';
  comma_ = false;
  return *this;
}

JsonWriter& JsonWriter::close_array() {
  out_ += ']';
  comma_ = true;
  return *this;
}

JsonWriter& JsonWriter::key(std::string_view name) {
  separate();
  write_json_string(name, out_);
  out_ += ':';
  comma_ = false;
  return *this;
}

JsonWriter& JsonWriter::value(std::string_view text) {
  separate();
  write_json_string(text, out_);
  return *this;
}

JsonWriter& JsonWriter::value(bool value) {
  return raw(value ? "true" : "false");
}

JsonWriter& JsonWriter::value(double value) {
  if (!std::isfinite(value)) return null();
  separate();
  write_number(value, out_);
  return *this;
}

JsonWriter& JsonWriter::value(float value) {
  if (!std::isfinite(value)) return null();
  separate();
  write_number(value, out_);
  return *this;
}

JsonWriter& JsonWriter::null() {
  return raw("null");
}

JsonWriter& JsonWriter::raw(std::string_view json) {
  separate();
  out_ += json;
  return *this;
}

JsonWriter& JsonWriter::values(std::span<const float> numbers) {
  open_array();
  for (const float number : numbers) value(number);
  return close_array();
}

}  // namespace forewarm
