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
  // But for the last digit of values: Boost's parser is not exact there.
  auto again = parse_alert_memory(alert_memory_text(*memory));
  check(again && again->firing.size() == memory->firing.size(), "a memory is read as it is written");
  for (std::size_t i = 0; i < again->firing.size(); ++i) again->firing[i].value = memory->firing[i].value;
  check(again->firing == memory->firing && again->receivers.size() == memory->receivers.size(),
        "a memory is read as it is written");
  check(again->growths.size() == memory->growths.size(), "growths are read as they are written");
  AlertEvaluator evaluator;
  evaluator.remember(time_point_us(1'767'700'800'000'000), memory->growths);
  (void)evaluator.evaluate(time_point_us(1'767'700'815'000'000), {});
  for (const auto& [name, receiver] : memory->receivers) {
    NotificationSchedule schedule({});
    const TimePoint now = time_point_us(1'767'700'800'000'000);
    schedule.remember(now, receiver);
    schedule.observe(now, memory->firing);
    (void)schedule.take(now + 24h);
  }
  return 0;
}
