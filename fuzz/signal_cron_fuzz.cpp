#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "edge/signal/cron.h"

using namespace forewarm;

/// Any text is refused, or fires at rising times.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  constexpr const char* kZones[] = {"UTC", "Europe/Berlin", "Australia/Lord_Howe", "America/New_York"};
  const TimeZone zone = TimeZone::find(kZones[data[0] % 4]).value();
  const Result<Cron> cron = Cron::parse({reinterpret_cast<const char*>(data + 1), size - 1}, zone);
  if (!cron) return 0;
  TimePoint at = time_point_us(1'774'700'000'000'000);  // 28 March 2026: clocks change the next day
  for (int n = 0; n < 40 && at != kNever; ++n) {
    const TimePoint next = cron->next(at);
    check(next > at, "a cron expression fires later than asked");
    at = next;
  }
  return 0;
}
