#include "edge/functions/output_lines.h"

#include <algorithm>
#include <cstdint>
#include <utility>

namespace forewarm {
namespace {

std::uint8_t byte(std::string_view text, std::size_t i) {
  return static_cast<std::uint8_t>(text[i]);
}

/// The length of the well-formed UTF-8 character at `i` (Unicode 15, table 3-7), 0 if there is none.
std::size_t character_size(std::string_view text, std::size_t i) {
  const std::uint8_t first = byte(text, i);
  if (first < 0x80) return 1;
  const std::size_t size = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
  if (first < 0xC2 || first > 0xF4 || i + size > text.size()) return 0;
  for (std::size_t k = 1; k < size; ++k) {
    if ((byte(text, i + k) & 0xC0) != 0x80) return 0;
  }
  const std::uint8_t second = byte(text, i + 1);
  if ((first == 0xE0 && second < 0xA0) || (first == 0xED && second > 0x9F)) return 0;
  if ((first == 0xF0 && second < 0x90) || (first == 0xF4 && second > 0x8F)) return 0;
  return size;
}

bool is_control(std::string_view text, std::size_t i, std::size_t size) {
  const std::uint8_t first = byte(text, i);
  if (size == 1) return (first < 0x20 && first != '\t') || first == 0x7F;
  return size == 2 && first == 0xC2 && byte(text, i + 1) < 0xA0;
}

void append_escaped(std::string& out, std::uint8_t value) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  out += "\\x";
  out += kDigits[value >> 4];
  out += kDigits[value & 15];
}

}  // namespace

std::string escape_control_characters(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t size = character_size(text, i);
    if (size == 0 || is_control(text, i, size)) {
      for (std::size_t k = 0; k < std::max<std::size_t>(size, 1); ++k) append_escaped(out, byte(text, i + k));
    } else {
      out.append(text, i, size);
    }
    i += std::max<std::size_t>(size, 1);
  }
  return out;
}

void OutputLines::feed(std::string_view bytes, const Line& line) {
  bytes_fed_ += bytes.size();
  while (!bytes.empty()) {
    const std::size_t end = bytes.find('\n');
    const std::string_view part = bytes.substr(0, end);
    const std::size_t taken = std::min(part.size(), kLineMaxBytes - pending_.size());
    pending_.append(part, 0, taken);
    dropped_ += part.size() - taken;
    if (end == std::string_view::npos) return;
    bytes.remove_prefix(end + 1);
    end_line(line);
  }
}

void OutputLines::finish(const Line& line) {
  if (!pending_.empty()) end_line(line);
}

void OutputLines::end_line(const Line& line) {
  if (pending_.ends_with('\r')) pending_.pop_back();
  std::string text = escape_control_characters(pending_);
  if (dropped_ > 0) text += " [" + std::to_string(dropped_) + " bytes more]";
  pending_.clear();
  dropped_ = 0;
  line(std::move(text));
}

}  // namespace forewarm
