// What a process gives up for good before it becomes the instance's program.
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/seccomp.h>
#include <linux/securebits.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstddef>

#include "edge/functions/launcher/launcher.h"

namespace forewarm::launcher {
namespace {

// Of linux/landlock.h, whose version in Debian 12 ends with the third ABI.
constexpr long kCreateRuleset = 444, kAddRule = 445, kRestrictSelf = 446;
constexpr unsigned kRulesetVersion = 1;
constexpr unsigned kPathBeneath = 1, kNetPort = 2;
constexpr std::uint64_t kExecute = 1ULL << 0, kWriteFile = 1ULL << 1, kReadFile = 1ULL << 2,
                        kReadDir = 1ULL << 3, kMakeChar = 1ULL << 6, kMakeBlock = 1ULL << 11,
                        kRefer = 1ULL << 13, kTruncate = 1ULL << 14, kIoctlDevice = 1ULL << 15;
constexpr std::uint64_t kFirstAbi = (1ULL << 13) - 1;
constexpr std::uint64_t kOfFiles = kExecute | kWriteFile | kReadFile | kTruncate | kIoctlDevice;
constexpr std::uint64_t kBindTcp = 1ULL << 0, kConnectTcp = 1ULL << 1;
constexpr std::uint64_t kScopeAbstractSockets = 1ULL << 0, kScopeSignals = 1ULL << 1;
constexpr long kNetworkAbi = 4, kScopeAbi = 6;

struct RulesetAttributes {
  std::uint64_t files, network, scoped;
};
struct [[gnu::packed]] PathBeneath {
  std::uint64_t allowed;
  std::int32_t parent;
};
struct NetPort {
  std::uint64_t allowed, port;
};

std::uint64_t all_of(long abi) {
  std::uint64_t all = kFirstAbi;
  if (abi >= 2) all |= kRefer;
  if (abi >= 3) all |= kTruncate;
  if (abi >= 5) all |= kIoctlDevice;
  return all;
}

/// errno, or 0; a path that does not exist needs no rule.
int allow(int ruleset, const char* path, std::uint64_t rights) {
  const int fd = ::open(path, O_PATH | O_CLOEXEC);
  if (fd < 0) return errno == ENOENT || errno == ENOTDIR || errno == EACCES ? 0 : errno;
  struct stat found {};
  int failed = ::fstat(fd, &found) == 0 ? 0 : errno;
  if (failed == 0) {
    const PathBeneath rule{.allowed = S_ISDIR(found.st_mode) ? rights : rights & kOfFiles, .parent = fd};
    if (::syscall(kAddRule, ruleset, kPathBeneath, &rule, 0) != 0) failed = errno;
  }
  ::close(fd);
  return failed;
}

int allow_paths(const Spec& spec, int ruleset, std::uint64_t all) {
  int failed = 0;
  for (std::size_t i = 0; i < spec.texts_count; ++i) {
    std::uint64_t rights = 0;
    switch (static_cast<LaunchText>(spec.texts[i][0])) {
      case LaunchText::Readable:
        rights = kExecute | kReadFile | kReadDir;
        break;
      case LaunchText::Writable:
      case LaunchText::Tmp:
        rights = all & ~(kMakeChar | kMakeBlock | kIoctlDevice);
        break;
      case LaunchText::Device:
        rights = all & (kReadFile | kReadDir | kWriteFile | kTruncate | kIoctlDevice);
        break;
      default:
        continue;
    }
    if (const int why = allow(ruleset, spec.texts[i] + 1, rights); why != 0) failed = why;
  }
  return failed;
}

}  // namespace

void drop_capabilities_to_come(Reports& reports) {
  const auto add = [&](bool done, const char* step) {
    reports.add(IsolationLayer::Capabilities, done ? 0 : errno, step);
  };
  // Else user 0 would have them all again with the next program.
  constexpr unsigned long kBits = SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_NO_SETUID_FIXUP_LOCKED |
                                  SECBIT_NO_CAP_AMBIENT_RAISE | SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED;
  const bool privileged = ::prctl(PR_SET_SECUREBITS, kBits, 0, 0, 0) == 0;
  if (!privileged) {
    // Without CAP_SETPCAP nothing can be dropped for good; a process that has none gains none either.
    add(errno == EPERM && ::geteuid() != 0, "lock its securebits");
    return;
  }
  int capability = 0;
  while (::prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) == 0) ++capability;
  add(capability > 0 && errno == EINVAL, "drop the capability bounding set");  // the first that is none
}

void change_user(const Spec& spec, Reports& reports) {
  if (!spec.wants(IsolationLayer::User)) return;
  const unsigned user = spec.header.user;
  // /dev/stdout and /dev/stderr are opened anew, which the owner of the pipe may do.
  const bool done = ::fchown(STDOUT_FILENO, user, user) == 0 && ::setgroups(0, nullptr) == 0 &&
                    ::setresgid(user, user, user) == 0 && ::setresuid(user, user, user) == 0;
  reports.add(IsolationLayer::User, done ? 0 : errno, "change its user");
}

void drop_capabilities(Reports& reports) {
  __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  const __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {};
  reports.add(IsolationLayer::Capabilities, ::syscall(SYS_capset, &header, none) == 0 ? 0 : errno,
              "drop its capabilities");
}

void forbid_new_privileges(Reports& reports) {
  reports.add(IsolationLayer::NoNewPrivileges, ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 ? 0 : errno,
              "set no_new_privs");
}

void restrict_files(const Spec& spec, Reports& reports) {
  if (!spec.wants(IsolationLayer::FileAccess)) return;
  const bool network = spec.wants(IsolationLayer::Network);
  const long abi = ::syscall(kCreateRuleset, nullptr, 0, kRulesetVersion);
  if (abi < 1) {
    reports.add(IsolationLayer::FileAccess, errno, "use Landlock");
    reports.add(IsolationLayer::Scope, errno, "use Landlock");
    if (network) reports.add(IsolationLayer::Network, errno, "use Landlock");
    return;
  }
  const std::uint64_t all = all_of(abi);
  RulesetAttributes attributes{.files = all, .network = 0, .scoped = 0};
  std::size_t size = offsetof(RulesetAttributes, network);
  if (abi >= kNetworkAbi) {
    size = offsetof(RulesetAttributes, scoped);
    if (network) attributes.network = kBindTcp | kConnectTcp;
  }
  if (abi >= kScopeAbi) {
    size = sizeof attributes;
    attributes.scoped = kScopeAbstractSockets | kScopeSignals;
  }
  const int ruleset = static_cast<int>(::syscall(kCreateRuleset, &attributes, size, 0));
  int failed = ruleset < 0 ? errno : allow_paths(spec, ruleset, all);
  if (failed == 0 && attributes.network != 0) {
    const NetPort port{.allowed = spec.header.listens != 0 ? kBindTcp : kConnectTcp,
                       .port = spec.header.port};
    if (::syscall(kAddRule, ruleset, kNetPort, &port, 0) != 0) failed = errno;
  }
  if (failed == 0 && ::syscall(kRestrictSelf, ruleset, 0) != 0) failed = errno;
  ::close(ruleset);
  reports.add(IsolationLayer::FileAccess, failed, "restrict its files");
  reports.add(IsolationLayer::Scope, attributes.scoped == 0 ? ENOTSUP : failed, "Landlock ABI 6");
  if (network)
    reports.add(IsolationLayer::Network, attributes.network == 0 ? ENOTSUP : failed, "Landlock ABI 4");
}

void filter_system_calls(const Spec& spec, Reports& reports) {
  if (!spec.wants(IsolationLayer::SystemCalls)) return;
  const sock_fprog program{.len = static_cast<unsigned short>(spec.header.filter_length),
                           .filter = spec.filter};
  const bool done = ::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) == 0;
  reports.add(IsolationLayer::SystemCalls, done ? 0 : errno, "install its seccomp filter");
}

}  // namespace forewarm::launcher
