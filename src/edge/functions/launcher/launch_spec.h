#pragma once

#include <cstdint>

namespace forewarm {

/// What stands between an instance and the machine; each may be missing by itself.
enum class IsolationLayer : std::uint8_t {
  UserNamespace,    ///< of an unprivileged server only: what the other namespaces need
  PidNamespace,     ///< sees and signals its own processes only, and ends with its first
  MountNamespace,   ///< a /tmp and a /proc of its own; the server's data is covered
  IpcNamespace,     ///< System V IPC and POSIX message queues of its own
  MemoryLimit,      ///< memory_mb, by cgroup
  ProcessLimit,     ///< processes_max, by cgroup
  ResourceLimits,   ///< setrlimit: descriptors, core files, size of a file, processes of its own user
  User,             ///< a user of its own
  Capabilities,     ///< none, and none to be had
  NoNewPrivileges,  ///< set-user-id programs give nothing
  FileAccess,       ///< Landlock: named paths only
  Network,          ///< Landlock: no TCP but with the server (network = "none")
  Scope,            ///< Landlock: no signals and abstract sockets out of its domain
  SystemCalls,      ///< seccomp
};
constexpr std::uint32_t kIsolationLayers = 14;

constexpr std::uint32_t layer_bit(IsolationLayer layer) {
  return 1U << static_cast<unsigned>(layer);
}

// What the server tells the launcher, in a file: this header, `filter_length` sock_filters, then texts: one
// character that says what it is, and a path that ends with a zero byte.
struct LaunchHeader {
  std::uint32_t layers = 0;      ///< wanted, by layer_bit
  std::uint32_t required = 0;    ///< 1: a layer that cannot be had is a failed start
  std::uint32_t user = 0;        ///< its own, also as its group; with a user namespace: the server's
  std::uint32_t user_group = 0;  ///< with a user namespace: the server's
  std::uint32_t filter_length = 0;
  std::uint32_t texts_bytes = 0;
  std::uint32_t port = 0;     ///< network = "none": the one that it may connect to
  std::uint32_t listens = 0;  ///< 1: that it may listen on instead
  std::uint64_t tmp_bytes = 0;
  std::uint64_t files_max = 0;
  std::uint64_t processes_max = 0;   ///< RLIMIT_NPROC where it has a user of its own
  std::uint64_t data_bytes_max = 0;  ///< RLIMIT_DATA; 0: not limited
  std::uint64_t file_bytes_max = 0;  ///< RLIMIT_FSIZE; 0: not limited
};

enum class LaunchText : char {
  Program = 'p',
  WorkingDirectory = 'k',
  Readable = 'r',  ///< and execute
  Writable = 'w',  ///< all but devices
  Device = 'd',    ///< read and write
  Hidden = 'h',    ///< a folder to cover
  Tmp = 't',       ///< where its own folder for temporary files goes
  Cgroup = 'c',    ///< a file to write oneself into
};

/// What the launcher tells the server: one for each layer that it tried, and one for a program that could not
/// be run. The end of the pipe means that the program runs.
struct LaunchReport {
  std::uint8_t kind = 0;   ///< an IsolationLayer, or kProgramFailed
  std::int32_t error = 0;  ///< errno; 0: active
  char step[40] = {};      ///< what failed
};
constexpr std::uint8_t kProgramFailed = 255;

// The descriptors that a launcher begins with, besides 0, 1 and 2.
constexpr int kLaunchSpecFd = 3;
constexpr int kLaunchReportFd = 4;
constexpr int kLaunchStatusFd = 5;  ///< gets the wait status of the program where the launcher stays as init

}  // namespace forewarm
