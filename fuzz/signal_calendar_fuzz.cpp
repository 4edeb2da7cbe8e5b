#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "edge/signal/calendar.h"

using namespace forewarm;

/// Any bytes are no calendar, or one whose occurrences lie inside the time asked for.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  Result<Calendar> calendar = Calendar::parse(text, {});
  if (!calendar) {
    check(!calendar.error().message.empty(), "a refusal says why");
    return 0;
  }
  const TimePoint from = time_point_us(1'767'225'600'000'000), to = from + 24h * 60;
  for (const Occurrence& span : calendar->spans(from, to))
    check(span.begin < to && span.end > from && span.begin < span.end, "an occurrence goes on when asked");
  return 0;
}
