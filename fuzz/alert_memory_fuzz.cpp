#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "edge/observe/notify/alert_memory.h"

using namespace forewarm;

/// What a damaged database says that receivers were told: an error, or a memory that is written as it is read
/// and that a receiver can go on from.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto memory = parse_alert_memory({reinterpret_cast<const char*>(data), size});
  if (!memory) return 0;
  const std::string text = alert_memory_text(*memory);
  const auto again = parse_alert_memory(text);
  check(again && alert_memory_text(*again) == text, "a memory is read as it is written");
  for (const auto& [name, receiver] : memory->receivers) {
    NotificationSchedule schedule({});
    const TimePoint now = time_point_us(1'767'700'800'000'000);
    schedule.remember(now, receiver);
    schedule.observe(now, memory->firing);
    (void)schedule.take(now + 24h);
  }
  return 0;
}
