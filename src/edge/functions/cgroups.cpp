#include "edge/functions/cgroups.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <system_error>

#include "edge/functions/owned_fd.h"
#include "edge/functions/shortage.h"

namespace forewarm {
namespace {

namespace fs = std::filesystem;

/// errno, or 0.
int put(const std::string& path, std::string_view text) {
  const OwnedFd fd(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  if (!fd) return errno;
  return ::write(fd.get(), text.data(), text.size()) < 0 ? errno : 0;
}

std::string contents(const std::string& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

std::vector<std::string> words(const std::string& line, char separator) {
  std::vector<std::string> result;
  std::istringstream text(line);
  for (std::string word; std::getline(text, word, separator);) result.push_back(word);
  return result;
}

bool has(const std::string& list, std::string_view word, char separator) {
  for (const std::string& each : words(list, separator)) {
    if (each == word) return true;
  }
  return false;
}

std::string join(const std::string& mount, const std::string& path) {
  return path == "/" ? mount : mount + path;
}

/// The folder of instances, without what a killed server left in it; errno, or 0.
int make_empty(const std::string& folder) {
  if (::mkdir(folder.c_str(), 0755) != 0 && errno != EEXIST) return errno;
  std::error_code failed;
  for (fs::directory_iterator it(folder, failed), end; !failed && it != end; it.increment(failed)) {
    if (it->is_directory(failed)) ::rmdir(it->path().c_str());
  }
  return 0;
}

std::string cannot(const std::string& what, int number) {
  return what + ": " + std::generic_category().message(number);
}

}  // namespace

CgroupPlaces find_cgroups(std::string_view cgroups, std::string_view mounts) {
  std::string unified_mount, memory_mount, pids_mount;
  std::istringstream mounted{std::string(mounts)};
  for (std::string line; std::getline(mounted, line);) {
    const std::vector<std::string> fields = words(line, ' ');
    if (fields.size() < 4) continue;
    if (fields[2] == "cgroup2" && unified_mount.empty()) unified_mount = fields[1];
    if (fields[2] != "cgroup") continue;
    if (has(fields[3], "memory", ',')) memory_mount = fields[1];
    if (has(fields[3], "pids", ',')) pids_mount = fields[1];
  }
  CgroupPlaces places;
  std::istringstream lines{std::string(cgroups)};
  for (std::string line; std::getline(lines, line);) {
    const std::size_t first = line.find(':');
    const std::size_t second = first == std::string::npos ? first : line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    const std::string path = line.substr(second + 1);
    if (controllers.empty() && !unified_mount.empty()) places.unified = join(unified_mount, path);
    if (has(controllers, "memory", ',') && !memory_mount.empty()) places.memory = join(memory_mount, path);
    if (has(controllers, "pids", ',') && !pids_mount.empty()) places.pids = join(pids_mount, path);
  }
  return places;
}

Cgroups Cgroups::open(const std::string& name) {
  return open_at(find_cgroups(contents("/proc/self/cgroup"), contents("/proc/self/mounts")), name);
}

Cgroups Cgroups::open_at(CgroupPlaces places, const std::string& name) {
  Cgroups cgroups;
  // In a container the path may be the host's while the mount begins at our own cgroup.
  for (std::string* place : {&places.unified, &places.memory, &places.pids}) {
    while (!place->empty() && ::access((*place + "/cgroup.procs").c_str(), F_OK) != 0)
      *place = place->substr(0, place->rfind('/'));
  }
  const std::string offered = contents(places.unified + "/cgroup.controllers");
  if (!places.unified.empty() && offered.find("memory") != std::string::npos) {
    cgroups.open_unified(places.unified, name);
    return cgroups;
  }
  const auto open_one = [&](const std::string& place, std::string& folder, std::string& why) {
    why = "no cgroup of this controller is mounted";
    if (place.empty()) return;
    folder = place + "/" + name;
    const int failed = make_empty(folder);
    why = failed == 0 ? "" : cannot(folder + " cannot be made", failed);
  };
  open_one(places.memory, cgroups.memory_, cgroups.memory_why_);
  open_one(places.pids, cgroups.pids_, cgroups.processes_why_);
  return cgroups;
}

/// A cgroup that divides memory holds no processes itself (but the root's), so ours go into a leaf first.
void Cgroups::open_unified(const std::string& place, const std::string& name) {
  unified_ = true;
  memory_ = place + "/" + name;
  const auto divide = [&](const std::string& folder) {
    return put(folder + "/cgroup.subtree_control", "+memory +pids");
  };
  int failed = make_empty(memory_);
  if (failed == 0) failed = divide(place);
  if (failed == EBUSY) {
    const std::string leaf = place + "/forewarm-server";
    if (::mkdir(leaf.c_str(), 0755) != 0 && errno != EEXIST) failed = errno;
    if (put(leaf + "/cgroup.procs", std::to_string(::getpid())) == 0) failed = divide(place);
  }
  if (failed == 0) failed = divide(memory_);
  if (failed != 0) {
    memory_why_ = cannot("the cgroup " + place + " cannot be divided", failed);
    processes_why_ = memory_why_;
    ::rmdir(memory_.c_str());
  }
}

std::vector<std::string> Cgroups::parents() const {
  std::vector<std::string> all;
  if (memory_why_.empty()) all.push_back(memory_);
  if (!unified_ && processes_why_.empty()) all.push_back(pids_);
  return all;
}

Result<std::vector<std::string>> Cgroups::make(InstanceId instance, std::uint64_t memory_bytes,
                                               std::uint64_t processes_max) const {
  std::vector<std::string> made;
  for (const std::string& parent : parents()) {
    const std::string folder = parent + "/" + std::to_string(instance.value());
    if (::mkdir(folder.c_str(), 0755) != 0 && errno != EEXIST)
      return error(ErrorCode::Exhausted, cannot("the cgroup " + folder + " cannot be made", errno));
    made.push_back(folder);
  }
  const auto joined = [&] {
    std::vector<std::string> files;
    files.reserve(made.size());
    for (const std::string& folder : made) files.push_back(folder + (unified_ ? "/cgroup.procs" : "/tasks"));
    return files;
  };
  int failed = 0;
  const auto set = [&](const std::string& path, const std::string& text, bool must) {
    if (const int why = put(path, text); why != 0 && must) failed = why;
  };
  const std::string memory = std::to_string(memory_bytes);
  const std::string processes = std::to_string(processes_max);
  if (unified_ && !made.empty()) {
    set(made[0] + "/memory.max", memory, true);
    set(made[0] + "/memory.swap.max", "0", false);
    set(made[0] + "/memory.oom.group", "1", false);
    set(made[0] + "/pids.max", processes, true);
  } else if (!unified_) {
    if (memory_why_.empty()) {
      set(made.front() + "/memory.limit_in_bytes", memory, true);
      set(made.front() + "/memory.memsw.limit_in_bytes", memory, false);
    }
    if (processes_why_.empty()) set(made.back() + "/pids.max", processes, true);
  }
  if (is_shortage(failed)) return shortage(failed, "set the limits of a cgroup");
  if (failed != 0)
    return error(ErrorCode::Io, cannot("the limits of the instance's cgroup cannot be set", failed));
  return joined();
}

std::uint64_t Cgroups::out_of_memory_kills(InstanceId instance) const {
  if (!memory_why_.empty()) return 0;
  const std::string folder = memory_ + "/" + std::to_string(instance.value());
  std::istringstream lines(contents(folder + (unified_ ? "/memory.events" : "/memory.oom_control")));
  std::uint64_t count = 0;
  for (std::string name; lines >> name >> count;) {
    if (name == "oom_kill") return count;
  }
  return 0;
}

bool Cgroups::remove(InstanceId instance) const {
  bool gone = true;
  for (const std::string& parent : parents())
    gone &= ::rmdir((parent + "/" + std::to_string(instance.value())).c_str()) == 0 || errno == ENOENT;
  return gone;
}

void Cgroups::close() const {
  for (const std::string& parent : parents()) ::rmdir(parent.c_str());
}

}  // namespace forewarm
