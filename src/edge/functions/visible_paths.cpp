#include "edge/functions/visible_paths.h"

#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <filesystem>

namespace forewarm {
namespace {

namespace fs = std::filesystem;

/// A folder with more entries than that is not taken apart: what is beyond them is not visible.
constexpr std::size_t kEntriesMax = 1'000;
constexpr int kDepthMax = 64;

constexpr std::array kSystem{"/usr",
                             "/bin",
                             "/sbin",
                             "/lib",
                             "/lib32",
                             "/lib64",
                             "/libx32",
                             "/opt",
                             "/etc",
                             "/proc",
                             "/sys",
                             "/nix/store",
                             "/run/systemd/resolve",
                             "/run/resolvconf"};
constexpr std::array kSecrets{"/etc/shadow",   "/etc/shadow-",    "/etc/gshadow",     "/etc/gshadow-",
                              "/etc/ssh",      "/etc/sudoers",    "/etc/ssl/private", "/etc/sudoers.d",
                              "/etc/security", "/etc/krb5.keytab"};
constexpr std::array kDevices{"/dev/null",   "/dev/zero",    "/dev/full",
                              "/dev/random", "/dev/urandom", "/dev/tty"};

void collect(const std::string& path, const std::vector<std::string>& hidden, int depth,
             std::vector<std::string>& visible) {
  bool above = false;
  for (const std::string& each : hidden) {
    if (is_within(path, each)) return;
    above |= is_within(each, path);
  }
  if (!above) {
    visible.push_back(path);
    return;
  }
  std::error_code failed;
  std::size_t count = 0;
  for (fs::directory_iterator it(path, failed), end; !failed && it != end; it.increment(failed)) {
    if (++count > kEntriesMax || depth > kDepthMax) return;
    collect(it->path(), hidden, depth + 1, visible);
  }
}

}  // namespace

std::vector<std::string> system_paths(bool secrets) {
  std::vector<std::string> paths(kSystem.begin(), kSystem.end());
  if (secrets) return paths;
  std::erase(paths, "/etc");
  for (std::string& path : without_hidden("/etc", {kSecrets.begin(), kSecrets.end()}))
    paths.push_back(std::move(path));
  return paths;
}

std::vector<std::string> device_paths() {
  return {kDevices.begin(), kDevices.end()};
}

std::vector<std::string> without_hidden(const std::string& path, const std::vector<std::string>& hidden) {
  std::vector<std::string> visible;
  collect(path, hidden, 0, visible);
  std::ranges::sort(visible);
  return visible;
}

std::string real_path(const std::string& path, const std::string& directory) {
  std::error_code failed;
  fs::path whole = fs::path(directory) / path;
  if (whole.is_relative()) whole = fs::absolute(whole, failed);
  fs::path real = fs::weakly_canonical(whole, failed);
  if (failed) real = whole.lexically_normal();
  std::string text = real;
  if (text.size() > 1 && text.back() == '/') text.pop_back();
  return text;
}

bool is_within(const std::string& path, const std::string& folder) {
  if (folder == "/" || path == folder) return true;
  return path.size() > folder.size() && path.starts_with(folder) && path[folder.size()] == '/';
}

std::string what_others_lack(const std::string& path, bool write) {
  if (path.empty()) return {};
  for (std::size_t end = 0; end != std::string::npos;) {
    end = path.find('/', end + 1);
    const std::string part = path.substr(0, end);
    struct stat found {};
    if (::stat(part.c_str(), &found) != 0) return {};
    const bool last = end == std::string::npos;
    mode_t needed = S_ISDIR(found.st_mode) ? S_IXOTH : 0;
    if (last) needed |= S_IROTH;
    if (last && write) needed |= S_IWOTH;
    if ((found.st_mode & needed) == needed) continue;
    return part + " is not " +
           (!last   ? "passable"
            : write ? "writable"
                    : "readable") +
           " for other users (chmod o+" +
           (!last   ? "x"
            : write ? "rwX"
                    : "rX") +
           " " + part + ")";
  }
  return {};
}

}  // namespace forewarm
