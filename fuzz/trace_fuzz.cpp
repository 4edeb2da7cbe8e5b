#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "edge/trace/trace_parser.h"

using namespace forewarm;

/// Any bytes in pieces of any size give a trace or an error, and the pieces do not matter.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::size_t piece = 1 + data[0] % 64;
  const std::string_view bytes(reinterpret_cast<const char*>(data + 1), size - 1);
  TraceOptions options;
  options.arrivals_max = 10'000;

  const auto parse = [&](std::size_t step) -> Result<Trace> {
    TraceParser parser("fuzz", options);
    for (std::size_t at = 0; at < bytes.size(); at += step) {
      if (Result<void> fed = parser.feed(bytes.substr(at, step)); !fed) return std::unexpected(fed.error());
    }
    return parser.finish();
  };
  Result<Trace> whole = parse(bytes.size() + 1);
  const Result<Trace> pieces = parse(piece);
  check(whole.has_value() == pieces.has_value(), "pieces do not change whether a trace is right");
  if (!whole) return 0;
  check(whole->arrivals.size() == pieces->arrivals.size(), "pieces do not change the arrivals");
  Duration last(0);
  for (const TraceArrival& arrival : whole->arrivals) {
    check(arrival.at >= last && arrival.at <= whole->length, "arrivals ascend inside the trace");
    check(arrival.queue < whole->queues.size(), "an arrival's queue exists");
    last = arrival.at;
  }
  DurationsParser durations("fuzz", *whole);
  if (durations.feed(bytes)) (void)durations.finish();
  return 0;
}
