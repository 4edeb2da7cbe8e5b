// What is arranged around an instance while the launcher still may: its cgroups, its view of the file tree,
// its limits.
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>

#include "edge/functions/launcher/launcher.h"

namespace forewarm::launcher {
namespace {

/// errno, or 0.
int write_file(const char* path, const char* text) {
  const int fd = ::open(path, O_WRONLY | O_CLOEXEC);
  if (fd < 0) return errno;
  const int failed = ::write(fd, text, ::strlen(text)) < 0 ? errno : 0;
  ::close(fd);
  return failed;
}

/// An empty file system of limited size over a folder; errno, or 0.
int mount_tmp(const char* folder, const char* options) {
  return ::mount("tmpfs", folder, "tmpfs", MS_NOSUID | MS_NODEV, options) == 0 ? 0 : errno;
}

/// Covers a folder, so that what is in it has no name any more.
int cover(const char* folder) {
  const unsigned long flags = MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC;
  return ::mount("tmpfs", folder, "tmpfs", flags, "size=4k,nr_inodes=2,mode=0000") == 0 ? 0 : errno;
}

}  // namespace

void map_users(Reports& reports, unsigned user, unsigned group) {
  char line[64];
  int failed = write_file("/proc/self/setgroups", "deny");
  if (failed == ENOENT) failed = 0;
  ::snprintf(line, sizeof line, "%u %u 1", user, user);
  if (failed == 0) failed = write_file("/proc/self/uid_map", line);
  ::snprintf(line, sizeof line, "%u %u 1", group, group);
  if (failed == 0) failed = write_file("/proc/self/gid_map", line);
  reports.add(IsolationLayer::UserNamespace, failed, "map its user");
}

void join_cgroups(const Spec& spec, Reports& reports) {
  int failed = 0;
  for (std::size_t i = 0; i < spec.texts_count; ++i) {
    if (spec.texts[i][0] != static_cast<char>(LaunchText::Cgroup)) continue;
    if (const int why = write_file(spec.texts[i] + 1, "0"); why != 0) failed = why;
  }
  constexpr IsolationLayer kByCgroup[] = {IsolationLayer::MemoryLimit, IsolationLayer::ProcessLimit};
  for (const IsolationLayer layer : kByCgroup) {
    if (spec.wants(layer)) reports.add(layer, failed, "join its cgroup");
  }
}

void make_mounts(const Spec& spec, Reports& reports) {
  constexpr IsolationLayer kLayer = IsolationLayer::MountNamespace;
  if (!spec.wants(kLayer)) return;
  if (::mount(nullptr, "/", nullptr, MS_REC | MS_SLAVE, nullptr) != 0) {
    reports.add(kLayer, errno, "detach its mounts from the server's");
    return;
  }
  reports.add(kLayer, 0, "");
  // Covered first: a folder in /tmp has no name once /tmp is its own.
  for (std::size_t i = 0; i < spec.texts_count; ++i) {
    if (spec.texts[i][0] == static_cast<char>(LaunchText::Hidden))
      reports.add(kLayer, cover(spec.texts[i] + 1), "cover a folder of the server");
  }
  char options[96];
  ::snprintf(options, sizeof options, "size=%llu,mode=1777",
             static_cast<unsigned long long>(spec.header.tmp_bytes));
  if (const char* tmp = spec.text(LaunchText::Tmp))
    reports.add(kLayer, mount_tmp(tmp, options), "mount its folder for temporary files");
  if (const int failed = mount_tmp("/dev/shm", options); failed != ENOENT)
    reports.add(kLayer, failed, "mount its /dev/shm");
  if (spec.wants(IsolationLayer::PidNamespace) &&
      ::mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, nullptr) != 0)
    reports.add(kLayer, errno, "mount its /proc");
}

void limit_resources(const Spec& spec, Reports& reports) {
  const auto limit = [&](__rlimit_resource what, std::uint64_t value, const char* step) {
    rlimit before{};
    ::getrlimit(what, &before);
    // The server's own hard limit may lie lower, and cannot be raised by everybody.
    const rlim_t most = value < before.rlim_max ? value : before.rlim_max;
    const rlimit wanted{.rlim_cur = most, .rlim_max = most};
    reports.add(IsolationLayer::ResourceLimits, ::setrlimit(what, &wanted) == 0 ? 0 : errno, step);
  };
  const LaunchHeader& header = spec.header;
  if (!spec.wants(IsolationLayer::ResourceLimits)) return;
  limit(RLIMIT_CORE, 0, "limit core files");
  limit(RLIMIT_NOFILE, header.files_max, "limit open files");
  if (header.file_bytes_max > 0) limit(RLIMIT_FSIZE, header.file_bytes_max, "limit the size of files");
  if (header.data_bytes_max > 0) limit(RLIMIT_DATA, header.data_bytes_max, "limit data");
  // It counts all processes of a user: of one that others have, it would refuse theirs.
  if (spec.wants(IsolationLayer::User)) limit(RLIMIT_NPROC, header.processes_max, "limit processes");
}

}  // namespace forewarm::launcher
