#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "edge/cloud/targets/application_auto_scaling.h"

using namespace forewarm;

/// What Application Auto Scaling says of a scalable target, and what follows from it: what is there for what
/// is there already changes nothing that is to come.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  (void)parse_scalable_targets(text);
  const auto page = parse_scheduled_actions(text);
  if (!page) return 0;
  std::vector<ScheduledLevel> there;
  for (const ScheduledActionPage::One& one : page->actions)
    if (is_level_name(one.level.name, "orders")) there.push_back(one.level);
  const TimePoint now(1'700'000'000s);
  for (const ScheduleChange& change :
       schedule_changes(there, rises_only(there, now, 0), {.now = now, .set = 0, .queue = "orders"}))
    check(change.kind == ScheduleChange::Kind::Remove || change.level.at > now, "what is put is to come");
  return 0;
}
