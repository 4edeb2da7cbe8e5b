// The launcher: argv is the instance's own, the environment too; the rest is in the spec.
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "edge/functions/launcher/launcher.h"

namespace {

using namespace forewarm;
using namespace forewarm::launcher;

constexpr int kFailed = 127;

[[noreturn]] void fail(Reports& reports, int error, const char* step) {
  reports.program_failed(error, step);
  reports.send(kLaunchReportFd);
  ::_exit(kFailed);
}

[[noreturn]] void become_program(const Spec& spec, Reports& reports, char** arguments) {
  drop_capabilities_to_come(reports);
  change_user(spec, reports);
  drop_capabilities(reports);
  forbid_new_privileges(reports);
  restrict_files(spec, reports);
  filter_system_calls(spec, reports);
  if (spec.header.required == 1 && reports.any_failed()) fail(reports, EPERM, "isolate it");
  reports.send(kLaunchReportFd);
  ::execve(spec.text(LaunchText::Program), arguments, environ);
  LaunchReport last{.kind = kProgramFailed, .error = errno, .step = "run"};
  if (::write(kLaunchReportFd, &last, sizeof last) < 0) ::_exit(kFailed);
  ::_exit(kFailed);
}

/// The first process of a namespace: reaps what is left to it, and ends with the program, all others with it.
[[noreturn]] void stay_as_init(pid_t program) {
  ::close(kLaunchReportFd);
  for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; ++fd) ::close(fd);
  Reports unheard;
  drop_capabilities_to_come(unheard);
  drop_capabilities(unheard);
  while (true) {
    int status = 0;
    const pid_t ended = ::waitpid(-1, &status, 0);
    if (ended < 0 && errno == EINTR) continue;
    if (ended != program && ended >= 0) continue;
    if (::write(kLaunchStatusFd, &status, sizeof status) < 0) ::_exit(kFailed);
    ::_exit(WIFEXITED(status) ? WEXITSTATUS(status) : kFailed);
  }
}

}  // namespace

int main(int, char** arguments) {
  static Spec spec;
  static Reports reports;
  ::fcntl(kLaunchReportFd, F_SETFD, FD_CLOEXEC);
  ::fcntl(kLaunchStatusFd, F_SETFD, FD_CLOEXEC);
  if (!read_spec(kLaunchSpecFd, spec) || spec.text(LaunchText::Program) == nullptr)
    fail(reports, EPROTO, "read the launch spec");
  ::close(kLaunchSpecFd);
  const bool first = spec.wants(IsolationLayer::PidNamespace);
  if (first) reports.add(IsolationLayer::PidNamespace, 0, "");
  if (spec.wants(IsolationLayer::IpcNamespace)) reports.add(IsolationLayer::IpcNamespace, 0, "");
  if (spec.wants(IsolationLayer::UserNamespace)) map_users(reports, spec.header.user, spec.header.user_group);
  join_cgroups(spec, reports);
  make_mounts(spec, reports);
  // After the mounts: a folder entered before would be seen as it was before.
  const char* directory = spec.text(LaunchText::WorkingDirectory);
  if (directory != nullptr && ::chdir(directory) != 0) fail(reports, errno, "enter its working directory");
  limit_resources(spec, reports);
  if (!first) become_program(spec, reports, arguments);
  // Until it has become the program the child borrows this process's memory, which a fork would copy the
  // tables of, and this one has nothing to do meanwhile: vfork(2).
  const pid_t program = ::vfork();
  if (program < 0) fail(reports, errno, "fork");
  if (program == 0) become_program(spec, reports, arguments);
  // The child's change of user has made the memory that of nobody: the next server could not read this
  // process's mark.
  ::prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
  stay_as_init(program);
}
