#include "app/short_slices.h"

#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>

namespace forewarm {
namespace {

constexpr std::uint64_t kSliceNs = 100'000;  // the least that the kernel takes
constexpr std::uint64_t kResetOnFork = 1;    // SCHED_FLAG_RESET_ON_FORK

/// The kernel's sched_attr in its first version; the C library has none, and the kernel's header is at odds
/// with <sched.h>.
struct SchedulingAttributes {
  std::uint32_t size;
  std::uint32_t policy;
  std::uint64_t flags;
  std::int32_t nice;
  std::uint32_t priority;
  std::uint64_t runtime;
  std::uint64_t deadline;
  std::uint64_t period;
};
static_assert(sizeof(SchedulingAttributes) == 48);

}  // namespace

void ask_for_short_slices() {
  const int kept = errno;
  SchedulingAttributes attributes{};
  attributes.size = sizeof attributes;
  if (::syscall(SYS_sched_getattr, 0, &attributes, sizeof attributes, 0) == 0 &&
      attributes.policy == SCHED_OTHER) {
    attributes.runtime = kSliceNs;
    attributes.flags = kResetOnFork;
    ::syscall(SYS_sched_setattr, 0, &attributes, 0);
  }
  errno = kept;
}

}  // namespace forewarm
