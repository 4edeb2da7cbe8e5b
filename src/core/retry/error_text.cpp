#include "core/retry/error_text.h"

#include <algorithm>
#include <iterator>

namespace forewarm {
namespace {

constexpr std::size_t kHexMin = 8;  // shorter ones may be words: "facade", "decade"

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
/// A byte beyond ASCII is a part of a letter.
bool in_word(char c) {
  return is_digit(c) || is_letter(c) || c == '_' || c == '-' || static_cast<unsigned char>(c) >= 0x80;
}
char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool is_variable(std::string_view word) {
  if (std::ranges::any_of(word, is_digit)) return true;
  const auto is_hex = [](char c) { return lower(c) >= 'a' && lower(c) <= 'f'; };
  return word.size() >= kHexMin && std::ranges::all_of(word, is_hex);
}

void add_variable(std::string& out) {
  if (out.ends_with("# "))
    out.pop_back();
  else if (!out.ends_with('#'))
    out += '#';
}

/// Where what is quoted from `at` on ends; npos if nothing is. The apostrophe of "can't" quotes nothing.
std::size_t end_of_quoted(std::string_view text, std::size_t at) {
  const char quote = text[at];
  if (quote != '"' && quote != '\'' && quote != '`') return std::string_view::npos;
  if (quote == '\'' && at > 0 && in_word(text[at - 1])) return std::string_view::npos;
  return text.find(quote, at + 1);
}

}  // namespace

std::string normalised_error(std::string_view message) {
  message = message.substr(0, kErrorTextMax);
  const std::size_t first = message.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return {};
  message.remove_prefix(first);
  message = message.substr(0, message.find_first_of("\r\n"));
  std::string out;
  for (std::size_t at = 0; at < message.size();) {
    if (const std::size_t end = end_of_quoted(message, at); end != std::string_view::npos) {
      add_variable(out);
      at = end + 1;
      continue;
    }
    if (in_word(message[at])) {
      std::size_t end = at;
      while (end < message.size() && in_word(message[end])) ++end;
      const std::string_view word = message.substr(at, end - at);
      if (is_variable(word))
        add_variable(out);
      else
        std::ranges::transform(word, std::back_inserter(out), lower);
      at = end;
      continue;
    }
    const char c = message[at++];
    if (c != ' ' && c != '\t')
      out += c;
    else if (!out.empty() && out.back() != ' ')
      out += ' ';
  }
  while (!out.empty() && out.back() == ' ') out.pop_back();
  return out;
}

}  // namespace forewarm
