#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace forewarm {

/// The least that any instance of one command has had resident once it has run: its program, what that has
/// loaded, and no more of earlier runs than none of them could do without. 0: none has run yet.
struct SettledMemory {
  std::uint64_t bytes = 0;
  void saw(std::uint64_t resident) {
    if (resident > 0 && (bytes == 0 || resident < bytes)) bytes = resident;
  }
};

/// What memory one instance's runs need: the peak of its process tree during a run, for some of them.
///
/// The kernel keeps each process's highest resident size and sets it back when "5" is written into its
/// clear_refs (proc(5)), which works isolated as well, since a namespace's processes are seen from outside.
/// A cgroup's peak would have short-lived children too, but also the page cache, which fills whatever memory
/// there is and is no need. Processes that live between two looks only are missed; the looks are dense at a
/// run's begin, each twice as late as the one before.
///
/// A process keeps what earlier runs have allocated, and a run may use that again, unseen: it needs no more
/// than the peak, and no less than what a settled instance has and what it added itself. Where these two lie
/// far apart nothing is said. The sum of several processes' peaks counts as the peak of their sum.
class RunMemory {
 public:
  using Clock = std::chrono::steady_clock;

  explicit RunMemory(SettledMemory& settled) : settled_(settled) {}

  /// Whether the run that begins now is to be measured: the first, then at most four a second and, over all
  /// instances, about a hundred, and so seldom that looking takes no more than 1 in 200 of a processor.
  bool due(Clock::time_point now, std::size_t instances) const;
  /// A measured run begins now. `leader`: the tree's first process.
  void begin(pid_t leader, Clock::time_point now);
  void begin_unmeasured();
  bool measuring() const { return measuring_; }
  void look(pid_t leader);
  /// Until the next look.
  std::chrono::milliseconds pause() const { return pause_; }
  /// The run has ended, and its peak; 0: not measured. `leader` 0: the tree is gone.
  std::uint64_t end(pid_t leader);

 private:
  SettledMemory& settled_;
  bool impossible_ = false;  ///< the kernel lacks it, or these processes are not ours to look at
  bool measuring_ = false;
  std::uint64_t runs_ = 0;  ///< that have begun
  Clock::time_point measured_at_;
  std::uint64_t resident_ = 0;  ///< when the run began
  std::uint64_t peak_ = 0;
  std::chrono::milliseconds pause_{0};
  std::chrono::nanoseconds spent_{0};  ///< processor time, on the last run that was measured
};

}  // namespace forewarm
