#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "core/model/ids.h"

namespace forewarm {

/// Where this process's cgroups are, from /proc/self/cgroup and /proc/self/mounts. Pure.
struct CgroupPlaces {
  std::string unified{};  ///< folder of version 2; empty: none
  std::string memory{};   ///< folder of version 1's memory controller; empty: none
  std::string pids{};     ///< the same of pids
};
CgroupPlaces find_cgroups(std::string_view cgroups, std::string_view mounts);

/// A cgroup for each instance, for its memory and its number of processes: version 2 where this process may
/// divide its own, else version 1. (docs.kernel.org/admin-guide/cgroup-v2.html and cgroup-v1/memory.html)
///
/// All calls but open() from any thread.
class Cgroups {
 public:
  /// `name` of the folder that holds them; what a killed server left in it is removed. Nothing here is an
  /// error: what cannot be had is said by memory_why() and processes_why().
  static Cgroups open(const std::string& name);
  /// The same where these are this process's cgroups.
  static Cgroups open_at(CgroupPlaces places, const std::string& name);

  /// Why memory (processes) cannot be limited; empty: they can.
  const std::string& memory_why() const { return memory_why_; }
  const std::string& processes_why() const { return processes_why_; }
  std::string_view version() const { return unified_ ? "v2" : "v1"; }

  /// Makes an instance's cgroups; the files that a process of one thread has to write "0" into to be in them.
  /// In version 1 these are `tasks`: cgroup.procs waits until no process of the machine forks, which takes
  /// many milliseconds.
  Result<std::vector<std::string>> make(InstanceId instance, std::uint64_t memory_bytes,
                                        std::uint64_t processes_max) const;
  /// How often the kernel has killed one of its processes for memory.
  std::uint64_t out_of_memory_kills(InstanceId instance) const;
  /// True when they are gone; false while something is still in them.
  bool remove(InstanceId instance) const;
  /// The folder that holds them, when they are all gone.
  void close() const;

 private:
  void open_unified(const std::string& place, const std::string& name);
  std::vector<std::string> parents() const;

  bool unified_ = false;
  std::string memory_;  ///< our folder for memory, of version 2 for both
  std::string pids_;    ///< our folder for pids; version 1
  std::string memory_why_;
  std::string processes_why_;
};

}  // namespace forewarm
