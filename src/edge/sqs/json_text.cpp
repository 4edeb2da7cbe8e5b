#include "edge/sqs/json_text.h"

#include <algorithm>

namespace forewarm::sqs {
namespace {

bool needs_escape(char c) {
  return static_cast<unsigned char>(c) < 0x20 || c == '"' || c == '\\' || c == '\x7f';
}

/// The first character from `at` on that needs an escape, or the text's end.
std::size_t find_escape(std::string_view text, std::size_t at) {
  // A loop of a known length without a way out, through a bare pointer, is one that compilers make vectors
  // of.
  constexpr std::size_t kStretchBytes = 32;
  for (; at + kStretchBytes <= text.size(); at += kStretchBytes) {
    const char* stretch = text.data() + at;
    unsigned char found = 0;
    for (std::size_t i = 0; i < kStretchBytes; ++i)
      found |= static_cast<unsigned char>(needs_escape(stretch[i]));
    if (found != 0) break;
  }
  const auto rest = text.begin() + static_cast<std::ptrdiff_t>(at);
  return static_cast<std::size_t>(std::find_if(rest, text.end(), needs_escape) - text.begin());
}

void append_escape(std::string& out, char c) {
  constexpr std::string_view kDigits = "0123456789abcdef";
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
  const auto code = static_cast<unsigned char>(c);
  out += "\\u00";
  out += kDigits[code >> 4U];
  out += kDigits[code & 15U];
}

}  // namespace

JsonText& JsonText::key(std::string_view name) {
  text(name);
  out_ += ':';
  return *this;
}

JsonText& JsonText::text(std::string_view value) {
  separate();
  out_ += '"';
  for (std::size_t plain = 0; plain < value.size();) {
    const std::size_t escape = find_escape(value, plain);
    out_.append(value, plain, escape - plain);
    if (escape < value.size()) append_escape(out_, value[escape]);
    plain = escape + 1;
  }
  out_ += '"';
  return *this;
}

JsonText& JsonText::number(std::int64_t value) {
  separate();
  out_ += std::to_string(value);
  return *this;
}

JsonText& JsonText::boolean(bool value) {
  separate();
  out_ += value ? "true" : "false";
  return *this;
}

JsonText& JsonText::map(const StringMap& map) {
  begin_object();
  for (const auto& [name, value] : map) member(name, value);
  return end_object();
}

JsonText& JsonText::open(char bracket) {
  separate();
  out_ += bracket;
  return *this;
}

JsonText& JsonText::close(char bracket) {
  out_ += bracket;
  return *this;
}

void JsonText::separate() {
  if (out_.empty()) return;
  const char last = out_.back();
  if (last != '{' && last != '[' && last != ':') out_ += ',';
}

}  // namespace forewarm::sqs
