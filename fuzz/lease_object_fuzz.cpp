#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "edge/leader/lease_object.h"

using namespace forewarm;

/// A Lease that is read can be changed, and then says what was written.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const Result<LeaseFound> found = parse_lease(text);
  if (!found) return 0;
  check(!found->version.empty() && found->record.duration >= Duration(0) && found->record.transitions >= 0,
        "a Lease has a version and no negative numbers");
  const LeaseRecord mine{.holder = "me",
                         .duration = 15s,
                         .acquired = TimePoint(1'700'000'000s),
                         .renewed = TimePoint(1'700'000'001s),
                         .transitions = found->record.transitions};
  const Result<LeaseFound> again = parse_lease(changed_lease(text, mine));
  check(again && again->version == found->version && again->record == mine, "what is written is read");
  return 0;
}
