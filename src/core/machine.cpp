#include "core/machine.h"

#include <algorithm>

#include "base/check.h"

namespace forewarm {
namespace {

constexpr double kStartsPerSecondMin = 1e-3;
constexpr double kStartsPerSecondMax = 1e6;
constexpr std::uint32_t kBurstMax = 100'000;

}  // namespace

void Machine::configure(const Configuration& configuration) {
  instances_max_ = configuration.instances_max;
  bytes_max_ = configuration.memory_max_bytes > 0 ? configuration.memory_max_bytes : UINT64_MAX;
  start_interval_ = start_advance_ = Duration(0);
  if (!(configuration.starts_per_second > 0)) return;
  start_interval_ =
      from_seconds(1 / std::clamp(configuration.starts_per_second, kStartsPerSecondMin, kStartsPerSecondMax));
  start_advance_ = start_interval_ * (std::clamp<std::int64_t>(configuration.starts_burst, 1, kBurstMax) - 1);
}

std::uint32_t Machine::most(std::uint64_t bytes) const {
  if (bytes == 0) return instances_max_;
  return static_cast<std::uint32_t>(std::min<std::uint64_t>(instances_max_, bytes_max_ / bytes));
}

Machine::Lack Machine::beside(std::uint64_t instances, std::uint64_t bytes_each, const Held& held) const {
  const std::uint64_t in_all = held.instances + instances;
  const std::uint64_t bytes = held.bytes + instances * bytes_each;
  return {.instances = in_all > instances_max_ ? in_all - instances_max_ : 0,
          .bytes = bytes > bytes_max_ ? bytes - bytes_max_ : 0};
}

Machine::Lack Machine::lacks(std::uint64_t instances, std::uint64_t bytes_each) const {
  return beside(instances, bytes_each, all_);
}

Machine::Lack Machine::lacks_later(std::uint64_t instances, std::uint64_t bytes_each) const {
  return beside(instances, bytes_each,
                {.instances = all_.instances - stopping_.instances, .bytes = all_.bytes - stopping_.bytes});
}

TimePoint Machine::start_allowed_at() const {
  return start_interval_ > Duration(0) ? next_start_ - start_advance_ : TimePoint{};
}

void Machine::started(TimePoint now, std::uint64_t bytes) {
  ++all_.instances;
  all_.bytes += bytes;
  next_start_ = saturating_add(std::max(next_start_, now), start_interval_);
}

void Machine::told_to_stop(std::uint64_t bytes) {
  ++stopping_.instances;
  stopping_.bytes += bytes;
}

void Machine::gone(std::uint64_t bytes, bool was_told_to_stop) {
  check(all_.instances > 0 && all_.bytes >= bytes, "what goes was there");
  --all_.instances;
  all_.bytes -= bytes;
  if (!was_told_to_stop) return;
  --stopping_.instances;
  stopping_.bytes -= bytes;
}

}  // namespace forewarm
