#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace forewarm {

/// Which trace a span belongs to: 16 bytes as two numbers, high first. None of both 0.
struct TraceId {
  std::uint64_t high = 0;
  std::uint64_t low = 0;
  friend bool operator==(const TraceId&, const TraceId&) = default;
  explicit operator bool() const { return high != 0 || low != 0; }
};
std::string hex(const TraceId& id);        ///< 32 lower-case digits
std::string hex_span(std::uint64_t span);  ///< 16

/// Where something came from, in whichever notation it was said.
struct TraceContext {
  TraceId trace{};
  std::uint64_t span = 0;  ///< never 0
  /// Whether the sender records its trace; nothing where it leaves that to us.
  std::optional<bool> sampled{};
  std::string state{};  ///< W3C tracestate, handed on as it is

  friend bool operator==(const TraceContext&, const TraceContext&) = default;
};

/// W3C Trace Context (2021-11-23), section 3.2: "00-TRACE-SPAN-FLAGS". A later version is read as far as this
/// one goes (section 3.2.3). Nothing for what is not one.
std::optional<TraceContext> parse_traceparent(std::string_view text);
std::string traceparent_of(const TraceContext& context);

/// AWS X-Ray Developer Guide, "Tracing header": "Root=1-SECONDS-REST;Parent=SPAN;Sampled=1", in any order,
/// also as X-Amzn-Trace-Id and as AWSTraceHeader. A trace id there is a W3C one with hyphens. Without Parent
/// there is nothing to be a child of: nothing.
std::optional<TraceContext> parse_xray_header(std::string_view text);
std::string xray_header_of(const TraceContext& context);

}  // namespace forewarm
