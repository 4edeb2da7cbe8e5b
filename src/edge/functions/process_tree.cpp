#include "edge/functions/process_tree.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <set>

#include "edge/functions/owned_fd.h"

namespace forewarm {
namespace {

namespace fs = std::filesystem;

/// A program may have an environment as large as its stack; ours is at the front unless the function's own is
/// huge.
constexpr std::size_t kFileMaxBytes = 4U << 20;
constexpr std::size_t kFamilyMax = 100'000;
constexpr int kListingsMax = 100;

std::string read_file(const std::string& path) {
  const OwnedFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  std::string text;
  if (!fd) return text;
  for (std::size_t size = 0; size < kFileMaxBytes;) {
    text.resize(std::max<std::size_t>(4096, size * 2));
    const ssize_t got = ::read(fd.get(), text.data() + size, text.size() - size);
    if (got <= 0) {
      text.resize(size);
      return text;
    }
    size += static_cast<std::size_t>(got);
  }
  return text;
}

std::string proc_path(pid_t pid, std::string_view file) {
  return "/proc/" + std::to_string(pid) + "/" + std::string(file);
}

/// The numbers in a text, one after another.
template <class Number>
bool next_number(std::string_view& text, Number& number) {
  const std::size_t start = text.find_first_not_of(" \n");
  if (start == std::string_view::npos) return false;
  text.remove_prefix(start);
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (failed != std::errc()) return false;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return true;
}

std::vector<pid_t> numbered_entries(const std::string& directory) {
  std::vector<pid_t> numbers;
  std::error_code failed;
  for (fs::directory_iterator it(directory, failed), end; !failed && it != end; it.increment(failed)) {
    const std::string name = it->path().filename();
    pid_t number = 0;
    const auto [rest, bad] = std::from_chars(name.data(), name.data() + name.size(), number);
    if (bad == std::errc() && rest == name.data() + name.size()) numbers.push_back(number);
  }
  return numbers;
}

bool is_marked(const ProcessFamily& family, pid_t pid) {
  const auto stat = read_process_stat(pid);
  return stat && (stat->session == family.leader || has_environment_entry(pid, family.mark));
}

}  // namespace

std::optional<ProcessStat> parse_process_stat(std::string_view line) {
  const std::size_t name_end = line.rfind(')');
  if (name_end == std::string_view::npos || name_end + 3 > line.size()) return std::nullopt;
  std::string_view rest = line.substr(name_end + 2);
  ProcessStat stat;
  stat.zombie = rest[0] == 'Z' || rest[0] == 'X';
  rest.remove_prefix(1);
  pid_t group = 0;
  if (!next_number(rest, stat.parent) || !next_number(rest, group) || !next_number(rest, stat.session))
    return std::nullopt;
  // Fields 7 to 21 of proc(5) lie between the session and the start time.
  for (int field = 7; field <= 21; ++field) {
    std::int64_t skipped = 0;
    std::uint64_t large = 0;
    if (!next_number(rest, skipped) && !next_number(rest, large)) return std::nullopt;
    if (field >= 14 && field <= 17)
      stat.cpu_ticks += static_cast<std::uint64_t>(std::max<std::int64_t>(0, skipped));
  }
  if (!next_number(rest, stat.started_ticks)) return std::nullopt;
  return stat;
}

std::optional<ProcessStat> read_process_stat(pid_t pid) {
  return parse_process_stat(read_file(proc_path(pid, "stat")));
}

std::vector<pid_t> all_processes() {
  return numbered_entries("/proc");
}

bool kernel_lists_children() {
  static const bool listed = ::access("/proc/thread-self/children", R_OK) == 0;
  return listed;
}

std::vector<pid_t> children_of(pid_t pid) {
  std::vector<pid_t> children;
  if (kernel_lists_children()) {
    for (const pid_t thread : numbered_entries(proc_path(pid, "task"))) {
      const std::string text = read_file(proc_path(pid, "task/" + std::to_string(thread) + "/children"));
      std::string_view rest = text;
      for (pid_t child = 0; next_number(rest, child);) children.push_back(child);
    }
    return children;
  }
  for (const pid_t other : all_processes()) {
    const auto stat = read_process_stat(other);
    if (stat && stat->parent == pid) children.push_back(other);
  }
  return children;
}

std::vector<pid_t> descendants_of(pid_t pid) {
  std::vector<pid_t> family{pid};
  std::set<pid_t> seen{pid};
  for (std::size_t i = 0; i < family.size() && family.size() < kFamilyMax; ++i) {
    for (const pid_t child : children_of(family[i])) {
      if (seen.insert(child).second) family.push_back(child);
    }
  }
  return family;
}

bool has_environment_entry(pid_t pid, std::string_view entry) {
  const std::string environment = read_file(proc_path(pid, "environ"));
  for (std::size_t start = 0; start < environment.size();) {
    const std::size_t end = std::min(environment.find('\0', start), environment.size());
    if (std::string_view(environment).substr(start, end - start) == entry) return true;
    start = end + 1;
  }
  return false;
}

std::uint64_t resident_bytes(pid_t pid) {
  const std::string text = read_file(proc_path(pid, "statm"));
  std::string_view rest = text;
  std::uint64_t size = 0, resident = 0;
  if (!next_number(rest, size) || !next_number(rest, resident)) return 0;
  return resident * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

std::uint64_t peak_resident_bytes(pid_t pid) {
  constexpr std::string_view kPeak = "\nVmHWM:\t";
  const std::string text = read_file(proc_path(pid, "status"));
  const std::size_t at = text.find(kPeak);
  if (at == std::string::npos) return 0;
  std::string_view rest = std::string_view(text).substr(at + kPeak.size());
  std::uint64_t kibibytes = 0;
  return next_number(rest, kibibytes) ? kibibytes << 10 : 0;
}

bool reset_peak(pid_t pid) {
  const OwnedFd fd(::open(proc_path(pid, "clear_refs").c_str(), O_WRONLY | O_CLOEXEC));
  return fd && ::write(fd.get(), "5", 1) == 1;
}

bool holds_socket(pid_t pid, std::uint64_t inode) {
  const std::string wanted = "socket:[" + std::to_string(inode) + "]";
  std::error_code failed;
  for (fs::directory_iterator it(proc_path(pid, "fd"), failed), end; !failed && it != end;
       it.increment(failed)) {
    std::error_code closed_meanwhile;
    if (fs::read_symlink(it->path(), closed_meanwhile) == wanted) return true;
  }
  return false;
}

// A process that ends hands its children to us in the very moment in which it becomes a zombie, and shortly
// before that it has lost its environment, by which it could be told. So those of our children that tell
// nothing are looked through, and where one of them has ended meanwhile, its children may have come to us
// after ours were listed: then all is listed again.
std::vector<pid_t> members_of(const ProcessFamily& family, const std::vector<pid_t>& strangers) {
  std::vector<pid_t> members;
  std::set<pid_t> ended;
  for (int round = 0; round < kListingsMax; ++round) {
    members.clear();
    bool again = false;
    std::vector<pid_t> seen = children_of(::getpid());
    for (std::size_t i = 0; i < seen.size() && seen.size() < kFamilyMax; ++i) {
      const pid_t pid = seen[i];
      const bool leads = pid == family.leader && !family.leader_reaped;
      if (!leads && std::binary_search(strangers.begin(), strangers.end(), pid)) continue;
      if (leads || is_marked(family, pid)) {
        for (const pid_t member : descendants_of(pid)) members.push_back(member);
        continue;
      }
      for (const pid_t child : children_of(pid)) seen.push_back(child);
      const auto stat = read_process_stat(pid);
      if (!stat || stat->zombie) again |= ended.insert(pid).second;
    }
    if (!again) break;
  }
  return members;
}

}  // namespace forewarm
