#include <cstddef>
#include <cstdint>

#include "base/check.h"
#include "edge/observe/otlp/otlp_json.h"
#include "edge/observe/otlp/trace_context.h"

using namespace forewarm;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto context = parse_traceparent(text)) {
    check(context->span != 0 && context->trace, "what is read names a trace and a span");
    const auto again = parse_traceparent(traceparent_of(*context));
    check(again == context, "a traceparent is written as it is read");
  }
  if (auto context = parse_xray_header(text)) {
    const auto again = parse_xray_header(xray_header_of(*context));
    context->sampled = context->sampled.value_or(false);
    check(again == context, "a tracing header is written as it is read");
  }
  (void)read_partial_success(text);
  return 0;
}
