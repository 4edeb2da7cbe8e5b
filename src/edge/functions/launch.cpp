#include "edge/functions/launch.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <system_error>

// The launcher's own bytes, a part of this program.
extern "C" {
extern const char forewarm_launcher_begin[];
extern const char forewarm_launcher_end[];
}
// clang-format off
__asm__(".pushsection .rodata\n"
        ".balign 16\n"
        ".global forewarm_launcher_begin\n"
        "forewarm_launcher_begin:\n"
        ".incbin \"" FOREWARM_LAUNCHER "\"\n"
        ".global forewarm_launcher_end\n"
        "forewarm_launcher_end:\n"
        ".popsection\n");
// clang-format on

namespace forewarm {
namespace {

using namespace std::chrono_literals;

constexpr int kImageFd = 6;
/// Sources of what the child puts at 0 to 6 lie above, so that none is overwritten before it is used.
constexpr int kFirstSource = 10;
constexpr std::size_t kStackBytes = 64U << 10;
constexpr int kSignals = 64;
constexpr std::chrono::seconds kPatience = 30s;  // a program on a slow disk

Result<OwnedFd> memory_file(const char* name, std::initializer_list<std::string_view> pieces) {
  OwnedFd file(::memfd_create(name, MFD_CLOEXEC));
  if (!file) return error(ErrorCode::Io, std::generic_category().message(errno));
  for (std::string_view piece : pieces) {
    while (!piece.empty()) {
      const ssize_t written = ::write(file.get(), piece.data(), piece.size());
      if (written <= 0) return error(ErrorCode::Io, std::generic_category().message(errno));
      piece.remove_prefix(static_cast<std::size_t>(written));
    }
  }
  OwnedFd high(::fcntl(file.get(), F_DUPFD_CLOEXEC, kFirstSource));
  if (!high) return error(ErrorCode::Io, std::generic_category().message(errno));
  return high;
}

const Result<OwnedFd>& launcher_image() {
  static const Result<OwnedFd> image = memory_file(
      "forewarm-launcher",
      {std::string_view(forewarm_launcher_begin,
                        static_cast<std::size_t>(forewarm_launcher_end - forewarm_launcher_begin))});
  return image;
}

std::array<OwnedFd, 2> high_pipe() {
  std::array<int, 2> ends{-1, -1};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return {};
  std::array<OwnedFd, 2> low{OwnedFd(ends[0]), OwnedFd(ends[1])};
  return {OwnedFd(::fcntl(ends[0], F_DUPFD_CLOEXEC, kFirstSource)),
          OwnedFd(::fcntl(ends[1], F_DUPFD_CLOEXEC, kFirstSource))};
}

/// What parent and child share while the parent stands still.
struct Child {
  char* const* arguments = nullptr;
  char* const* environment = nullptr;
  int image = -1;
  std::array<int, 6> sources{};  ///< of descriptors 0 to 5; -1: none
  bool user_namespace = false;
  int error = 0;
};

/// In a new user namespace a process has all capabilities, and loses them with the next program unless they
/// are ambient.
long keep_capabilities() {
  __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {};
  if (::syscall(SYS_capget, &header, data) != 0) return -1;
  for (auto& half : data) half.inheritable = half.permitted;
  if (::syscall(SYS_capset, &header, data) != 0) return -1;
  long done = 0;
  for (const int capability : {CAP_SYS_ADMIN, CAP_SETPCAP, CAP_SETUID, CAP_SETGID})
    done |= ::syscall(SYS_prctl, PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability, 0, 0);
  return done;
}

// In memory that it shares with us: system calls only, nothing of the library that keeps a state.
#if defined(__clang__)
__attribute__((no_sanitize("address", "thread", "undefined")))
#else
__attribute__((no_sanitize("address"), no_sanitize("thread"), no_sanitize("undefined")))
#endif
int in_child(void* shared) {
  auto& child = *static_cast<Child*>(shared);
  struct {
    void* handler;
    unsigned long flags;
    void* restorer;
    unsigned long mask;
  } by_default{};
  for (int signal = 1; signal <= kSignals; ++signal)
    ::syscall(SYS_rt_sigaction, signal, &by_default, nullptr, sizeof by_default.mask);
  long done = ::syscall(SYS_setsid);
  if (child.user_namespace) done |= keep_capabilities();
  for (int target = 0; target < 6; ++target) {
    const int source = child.sources[static_cast<std::size_t>(target)];
    done |= source < 0 ? 0 : ::syscall(SYS_dup3, source, target, 0);
  }
  done |= ::syscall(SYS_dup3, child.image, kImageFd, O_CLOEXEC);
  ::syscall(SYS_close_range, kImageFd + 1, ~0U, 0);
  const unsigned long no_signals = 0;
  ::syscall(SYS_rt_sigprocmask, SIG_SETMASK, &no_signals, nullptr, sizeof no_signals);
  if (done >= 0) ::syscall(SYS_execveat, kImageFd, "", child.arguments, child.environment, AT_EMPTY_PATH);
  child.error = errno;
  ::syscall(SYS_exit_group, 127);
  return 0;
}

int namespace_flags(const IsolatedLaunch& isolation) {
  int flags = 0;
  if (isolation.wants(IsolationLayer::UserNamespace)) flags |= CLONE_NEWUSER;
  if (isolation.wants(IsolationLayer::PidNamespace)) flags |= CLONE_NEWPID;
  if (isolation.wants(IsolationLayer::MountNamespace)) flags |= CLONE_NEWNS;
  if (isolation.wants(IsolationLayer::IpcNamespace)) flags |= CLONE_NEWIPC;
  return flags;
}

/// The reports of a launcher until its end of the pipe closes; false when that takes too long.
bool read_reports(int fd, std::vector<LaunchReport>& reports) {
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  while (reports.size() <= std::size_t{2} * kIsolationLayers) {
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
    pollfd watch{.fd = fd, .events = POLLIN, .revents = 0};
    const int ready = ::poll(&watch, 1, static_cast<int>(std::max(left, 0ms).count()));
    if (ready < 0 && errno == EINTR) continue;
    if (ready <= 0) return false;
    LaunchReport report;
    const ssize_t got = ::read(fd, &report, sizeof report);
    if (got != static_cast<ssize_t>(sizeof report)) return got == 0;
    report.step[sizeof report.step - 1] = '\0';
    reports.push_back(report);
  }
  return false;
}

std::unexpected<LaunchFailure> give_up(pid_t pid, LaunchFailure why) {
  ::kill(-pid, SIGKILL);
  ::waitpid(pid, nullptr, 0);
  return std::unexpected(std::move(why));
}

/// The child's pid, or -1 with errno.
pid_t clone_child(Child& child, int flags, int& pidfd) {
  const auto stack = std::make_unique_for_overwrite<char[]>(kStackBytes);
  sigset_t all, before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  const int all_flags = CLONE_VM | CLONE_VFORK | CLONE_PIDFD | SIGCHLD | flags;
  // The stack grows down from an address that is a multiple of 16.
  char* top = stack.get() + kStackBytes;
  top -= reinterpret_cast<std::uintptr_t>(top) % 16;
  const pid_t pid = ::clone(in_child, top, all_flags, &child, &pidfd);
  const int failed = errno;
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  errno = failed;
  return pid;
}

}  // namespace

std::expected<LaunchedProcess, LaunchFailure> launch(const IsolatedLaunch& isolation, char* const* arguments,
                                                     char* const* environment, int output) {
  const auto shortage = [](const char* step) { return std::unexpected(LaunchFailure{errno, step, false}); };
  if (!launcher_image()) return shortage("make the launcher's file in memory");
  LaunchHeader header = isolation.header;
  std::string texts;
  for (const std::string& text : isolation.texts) texts.append(text).push_back('\0');
  const std::string_view filter = isolation.filter ? std::string_view(*isolation.filter) : std::string_view();
  header.texts_bytes = static_cast<std::uint32_t>(texts.size());
  const auto spec = memory_file("forewarm-launch",
                                {{reinterpret_cast<const char*>(&header), sizeof header}, filter, texts});
  if (!spec) return shortage("make a file in memory");
  std::array<OwnedFd, 2> reports = high_pipe();
  std::array<OwnedFd, 2> status;
  const bool as_init = isolation.wants(IsolationLayer::PidNamespace);
  if (as_init) status = high_pipe();
  const OwnedFd null(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  const OwnedFd high_null(::fcntl(null.get(), F_DUPFD_CLOEXEC, kFirstSource));
  const OwnedFd high_output(::fcntl(output, F_DUPFD_CLOEXEC, kFirstSource));
  if (!reports[1] || (as_init && !status[1]) || !high_null || !high_output) return shortage("open a pipe");
  Child child{.arguments = arguments,
              .environment = environment,
              .image = launcher_image()->get(),
              .sources = {high_null.get(), high_output.get(), high_output.get(), spec->get(),
                          reports[1].get(), status[1].get()},
              .user_namespace = isolation.wants(IsolationLayer::UserNamespace)};
  int pidfd = -1;
  const pid_t pid = clone_child(child, namespace_flags(isolation), pidfd);
  if (pid < 0) return shortage("make a process with namespaces of its own");
  LaunchedProcess process{.pid = pid, .exited = OwnedFd(pidfd), .status = {}};
  if (child.error != 0) return give_up(pid, {child.error, "run the launcher", child.error == E2BIG});
  reports[1].reset();
  status[1].reset();
  std::vector<LaunchReport> said;
  if (!read_reports(reports[0].get(), said)) return give_up(pid, {ETIMEDOUT, "isolate it", false});
  for (const LaunchReport& report : said) {
    if (report.kind == kProgramFailed)
      return give_up(pid, {report.error, report.step, std::string_view(report.step) == "run"});
    process.layers.push_back({static_cast<IsolationLayer>(report.kind), report.error, report.step});
  }
  if (as_init) {
    ::fcntl(status[0].get(), F_SETFL, O_NONBLOCK);
    process.status = std::move(status[0]);
  }
  return process;
}

}  // namespace forewarm
