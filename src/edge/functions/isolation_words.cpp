#include "edge/functions/isolation_words.h"

#include <array>
#include <string_view>

#include "edge/functions/isolation.h"

namespace forewarm {
namespace {

struct Words {
  std::string_view name;
  std::string_view risk;
  std::string_view remedy;
};

/// By IsolationLayer.
constexpr std::array<Words, kIsolationLayers> kWords{{
    {"user namespace", "the namespaces of an unprivileged server cannot be had",
     "run the server as root, or allow user namespaces (sysctl kernel.unprivileged_userns_clone=1; on Ubuntu "
     "kernel.apparmor_restrict_unprivileged_userns=0)"},
    {"process namespace",
     "a function sees the machine's processes, and one that detaches itself may be missed",
     "run the server as root or allow user namespaces; in a container, give it CAP_SYS_ADMIN"},
    {"mount namespace", "functions share the machine's /tmp and /proc",
     "run the server as root or allow user namespaces; in a container, give it CAP_SYS_ADMIN"},
    {"IPC namespace", "functions share System V IPC and POSIX message queues with the machine",
     "run the server as root or allow user namespaces; in a container, give it CAP_SYS_ADMIN"},
    {"memory limit", "a function that leaks can use up the machine's memory",
     "give the server a cgroup that it may divide: with systemd Delegate=yes, in a container a writable "
     "/sys/fs/cgroup"},
    {"process limit", "a fork bomb can use up the machine's processes",
     "give the server a cgroup that it may divide: with systemd Delegate=yes, in a container a writable "
     "/sys/fs/cgroup"},
    {"resource limits", "open files, core files and the size of files are not limited",
     "allow setrlimit in the server's own seccomp filter"},
    {"own user", "functions have the server's user, so that files of it are protected by other layers only",
     "run the server as root, with user_first in its user namespace (/proc/self/uid_map)"},
    {"no capabilities", "a function keeps capabilities of the server",
     "give the server CAP_SETPCAP, or run it as another user than root"},
    {"no new privileges", "a set-user-id program may give a function more rights", "use Linux 3.5 or later"},
    {"file access",
     "a function can read what its user can, the server's data too where it is the server's user",
     "use a kernel with Landlock (Linux 5.13, CONFIG_SECURITY_LANDLOCK, lsm=landlock,...)"},
    {"network", "network = \"none\" has no effect", "use Linux 6.7 or later, with Landlock"},
    {"signal scope", "a function may signal processes of its user that it can see",
     "use Linux 6.12 or later, with Landlock"},
    {"system calls", "all system calls of the kernel are open to functions",
     "use a kernel with CONFIG_SECCOMP_FILTER"},
}};

const Words& words_of(IsolationLayer layer) {
  return kWords[static_cast<std::size_t>(layer)];
}

}  // namespace

std::string_view name_of(IsolationLayer layer) {
  return words_of(layer).name;
}

std::string_view risk_without(IsolationLayer layer) {
  return words_of(layer).risk;
}

std::string remedy_for(IsolationLayer layer) {
  return std::string(words_of(layer).remedy);
}

}  // namespace forewarm
