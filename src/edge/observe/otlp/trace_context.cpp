#include "edge/observe/otlp/trace_context.h"

#include <algorithm>
#include <charconv>
#include <cstdio>

namespace forewarm {
namespace {

/// Exactly these lower-case (X-Ray: any) hexadecimal digits.
std::optional<std::uint64_t> hex_number(std::string_view text, bool capitals = false) {
  if (text.empty() || text.size() > 16) return std::nullopt;
  for (const char c : text) {
    const bool digit = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (capitals && c >= 'A' && c <= 'F');
    if (!digit) return std::nullopt;
  }
  std::uint64_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number, 16);
  return number;
}

std::optional<TraceId> trace_number(std::string_view text, bool capitals = false) {
  if (text.size() != 32) return std::nullopt;
  const auto high = hex_number(text.substr(0, 16), capitals), low = hex_number(text.substr(16), capitals);
  if (!high || !low) return std::nullopt;
  const TraceId id{*high, *low};
  return id ? std::optional(id) : std::nullopt;
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

}  // namespace

std::string hex(const TraceId& id) {
  return hex_span(id.high) + hex_span(id.low);
}

std::string hex_span(std::uint64_t span) {
  char text[17];
  std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(span));
  return text;
}

std::optional<TraceContext> parse_traceparent(std::string_view text) {
  text = trimmed(text);
  constexpr std::size_t kLength = 55;
  if (text.size() < kLength || text[2] != '-' || text[35] != '-' || text[52] != '-') return std::nullopt;
  const auto version = hex_number(text.substr(0, 2));
  if (!version || *version == 0xff) return std::nullopt;
  if (*version == 0 ? text.size() != kLength : text.size() > kLength && text[kLength] != '-')
    return std::nullopt;
  const auto trace = trace_number(text.substr(3, 32));
  const auto span = hex_number(text.substr(36, 16)), flags = hex_number(text.substr(53, 2));
  if (!trace || !span || *span == 0 || !flags) return std::nullopt;
  return TraceContext{*trace, *span, (*flags & 1) != 0, {}};
}

std::string traceparent_of(const TraceContext& context) {
  return "00-" + hex(context.trace) + "-" + hex_span(context.span) +
         (context.sampled.value_or(false) ? "-01" : "-00");
}

std::optional<TraceContext> parse_xray_header(std::string_view text) {
  std::optional<TraceId> trace;
  std::optional<std::uint64_t> span;
  TraceContext context;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(';'), text.size());
    const std::string_view part = trimmed(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    if (part.starts_with("Root=1-") && part.size() == 40 && part[15] == '-') {
      trace = trace_number(std::string(part.substr(7, 8)) + std::string(part.substr(16)), true);
    } else if (part.starts_with("Parent=") && part.size() == 23) {
      span = hex_number(part.substr(7), true);
    } else if (part == "Sampled=1" || part == "Sampled=0") {
      context.sampled = part.back() == '1';
    }
  }
  if (!trace || !span || *span == 0) return std::nullopt;
  context.trace = *trace;
  context.span = *span;
  return context;
}

std::string xray_header_of(const TraceContext& context) {
  const std::string id = hex(context.trace);
  return "Root=1-" + id.substr(0, 8) + "-" + id.substr(8) + ";Parent=" + hex_span(context.span) +
         ";Sampled=" + (context.sampled.value_or(false) ? "1" : "0");
}

}  // namespace forewarm
