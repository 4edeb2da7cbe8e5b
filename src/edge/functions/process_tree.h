#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace forewarm {

/// What /proc/PID/stat says.
struct ProcessStat {
  pid_t parent = 0;
  pid_t session = 0;
  bool zombie = false;
  std::uint64_t cpu_ticks = 0;      ///< used by it and by its children that have ended
  std::uint64_t started_ticks = 0;  ///< after boot; with the pid it names a process for good
};
std::optional<ProcessStat> read_process_stat(pid_t pid);
/// The fields of a stat line; the name in it may hold spaces and parentheses. Pure.
std::optional<ProcessStat> parse_process_stat(std::string_view line);

/// Whether there is /proc/PID/task/*/children (the kernel's CONFIG_PROC_CHILDREN).
bool kernel_lists_children();
/// Children of a process, by these files, or by a look at every process where the kernel lacks them.
std::vector<pid_t> children_of(pid_t pid);
/// A process and all that descends from it now, the process first.
std::vector<pid_t> descendants_of(pid_t pid);
/// Whether the environment that the process was started with holds `entry` ("NAME=value").
bool has_environment_entry(pid_t pid, std::string_view entry);
std::uint64_t resident_bytes(pid_t pid);
/// The most that was resident since its start or the last reset_peak(); 0 where it is gone.
std::uint64_t peak_resident_bytes(pid_t pid);
/// False where the kernel cannot (CONFIG_PROC_PAGE_MONITOR), or may not for us.
bool reset_peak(pid_t pid);
/// Whether a descriptor of the process is the socket of this inode.
bool holds_socket(pid_t pid, std::uint64_t inode);
/// All process ids, for what has no better way.
std::vector<pid_t> all_processes();

/// What belongs to one instance: its first process, that one's descendants, and those that left the family
/// (their parent ended, so they became our children) but kept its session or its mark.
struct ProcessFamily {
  pid_t leader = 0;            ///< its session's leader too
  bool leader_reaped = false;  ///< its number may name another process by now
  std::string mark;            ///< "NAME=value"; unique to the instance
};
/// Its living members. `strangers`: our own children that belong to others and need no look, sorted.
std::vector<pid_t> members_of(const ProcessFamily& family, const std::vector<pid_t>& strangers);

}  // namespace forewarm
