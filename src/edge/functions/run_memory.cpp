#include "edge/functions/run_memory.h"

#include <time.h>

#include <algorithm>

#include "edge/functions/process_tree.h"

namespace forewarm {
namespace {

using namespace std::chrono_literals;

constexpr std::chrono::milliseconds kPauseOfOne = 250ms;
constexpr std::chrono::milliseconds kPauseOfAll = 10ms;
constexpr std::chrono::milliseconds kLookFirst = 10ms;
/// A tree of a thousand processes or threads takes milliseconds to look at: it is measured the less often.
constexpr int kPauseOverSpent = 200;
/// Of the most that the run may have needed to the least.
constexpr double kCertain = 1.25;

/// Of this thread: on a busy machine it waits as well.
std::chrono::nanoseconds processor_time() {
  timespec time{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

}  // namespace

bool RunMemory::due(Clock::time_point now, std::size_t instances) const {
  if (impossible_) return false;
  const auto pause = std::max<Clock::duration>(
      {kPauseOfOne, kPauseOfAll * static_cast<std::int64_t>(instances), kPauseOverSpent * spent_});
  return runs_ == 0 || now - measured_at_ >= pause;
}

void RunMemory::begin_unmeasured() {
  ++runs_;
  measuring_ = false;
}

void RunMemory::begin(pid_t leader, Clock::time_point now) {
  begin_unmeasured();
  impossible_ = leader <= 0 || !kernel_lists_children() || !reset_peak(leader);
  if (impossible_) return;
  const auto began = processor_time();
  measuring_ = true;
  measured_at_ = now;
  resident_ = peak_ = 0;
  pause_ = kLookFirst;
  for (const pid_t member : descendants_of(leader)) {
    if (member != leader) reset_peak(member);
    resident_ += resident_bytes(member);
  }
  if (runs_ > 1) settled_.saw(resident_);
  spent_ = processor_time() - began;
}

void RunMemory::look(pid_t leader) {
  const auto began = processor_time();
  std::uint64_t sum = 0;
  for (const pid_t member : descendants_of(leader)) sum += peak_resident_bytes(member);
  peak_ = std::max(peak_, sum);
  pause_ *= 2;
  spent_ += processor_time() - began;
}

std::uint64_t RunMemory::end(pid_t leader) {
  if (!measuring_) return 0;
  measuring_ = false;
  if (leader > 0) look(leader);
  if (runs_ == 1) {
    if (leader > 0) settled_.saw(peak_);
    return peak_;
  }
  const std::uint64_t added = peak_ > resident_ ? peak_ - resident_ : 0;
  const auto least = static_cast<double>(std::min(settled_.bytes + added, peak_));
  return static_cast<double>(peak_) <= kCertain * least ? peak_ : 0;
}

}  // namespace forewarm
