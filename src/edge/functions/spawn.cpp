#include "edge/functions/spawn.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <array>
#include <cerrno>
#include <string_view>
#include <system_error>

#include "edge/functions/shortage.h"

namespace forewarm {
namespace {

constexpr int kFirstOwnFd = 3;

/// posix_spawn's lists, freed in the end.
struct Setup {
  Setup() {
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawnattr_init(&attributes);
  }
  ~Setup() {
    ::posix_spawn_file_actions_destroy(&actions);
    ::posix_spawnattr_destroy(&attributes);
  }
  Setup(const Setup&) = delete;
  Setup& operator=(const Setup&) = delete;

  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
};

/// Pipes whose ends do not fall on 0, 1 or 2, which the child's own will take.
Result<std::array<OwnedFd, 2>> make_pipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return shortage(errno, "open a pipe for the output");
  std::array<OwnedFd, 2> owned{OwnedFd(ends[0]), OwnedFd(ends[1])};
  for (OwnedFd& fd : owned) {
    if (fd.get() >= kFirstOwnFd) continue;
    OwnedFd moved(::fcntl(fd.get(), F_DUPFD_CLOEXEC, kFirstOwnFd));
    if (!moved) return shortage(errno, "open a pipe for the output");
    fd = std::move(moved);
  }
  ::fcntl(owned[0].get(), F_SETFL, O_NONBLOCK);
  return owned;
}

std::vector<char*> pointers(const std::vector<std::string>& texts) {
  std::vector<char*> result;
  result.reserve(texts.size() + 1);
  for (const std::string& text : texts) result.push_back(const_cast<char*>(text.c_str()));
  result.push_back(nullptr);
  return result;
}

void prepare(Setup& setup, const SpawnRequest& request, int output) {
  ::posix_spawn_file_actions_addopen(&setup.actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  ::posix_spawn_file_actions_adddup2(&setup.actions, output, STDOUT_FILENO);
  ::posix_spawn_file_actions_adddup2(&setup.actions, output, STDERR_FILENO);
  // Sockets that a library opened without close-on-exec must not reach a function either.
  ::posix_spawn_file_actions_addclosefrom_np(&setup.actions, kFirstOwnFd);
  if (!request.working_directory.empty())
    ::posix_spawn_file_actions_addchdir_np(&setup.actions, request.working_directory.c_str());
  sigset_t all, none;
  ::sigfillset(&all);
  ::sigemptyset(&none);
  ::posix_spawnattr_setsigdefault(&setup.attributes, &all);
  ::posix_spawnattr_setsigmask(&setup.attributes, &none);
  ::posix_spawnattr_setflags(&setup.attributes,
                             POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
}

std::unexpected<Error> refusal(int number, const std::string& program) {
  if (is_shortage(number)) return shortage(number, "start " + program);
  const std::string start = "cannot run " + program + ": ";
  switch (number) {
    case ENOEXEC:
      return error(ErrorCode::Invalid,
                   start +
                       "it is neither a program for this machine nor a script whose first line "
                       "names its interpreter (#!/bin/sh)");
    case ENOENT:
      return error(ErrorCode::Invalid,
                   start + "its interpreter (the first line's #! path, or its loader) does not exist");
    case E2BIG:
      return error(ErrorCode::Invalid, start + "its arguments and environment are too large for the system");
    default:
      return error(ErrorCode::Invalid, start + std::generic_category().message(number));
  }
}

std::unexpected<Error> isolated_refusal(const LaunchFailure& failure, const std::string& program) {
  if (failure.of_program && (failure.error == EACCES || failure.error == ENOENT || failure.error == EPERM)) {
    return error(
        ErrorCode::Invalid,
        "cannot run " + program + ": " + std::generic_category().message(failure.error) +
            "; its interpreter (the first line's #! path, or its loader) does not exist or is hidden by "
            "isolation: name its folder in the function's read_paths");
  }
  if (failure.of_program) return refusal(failure.error, program);
  if (is_shortage(failure.error)) return shortage(failure.error, failure.step);
  return error(ErrorCode::Io, "cannot isolate " + program + ": " + failure.step + ": " +
                                  std::generic_category().message(failure.error) +
                                  "; forewarm doctor says what is there");
}

/// From now on its process group gets the processors after ours. As far as the system lets us: it is no fault
/// of the function where it does not.
void give_way(pid_t leader, int nice) {
  if (nice == 0) return;
  ::setpriority(PRIO_PGRP, static_cast<id_t>(leader), nice);
  // Where the kernel shares processors among sessions first (CONFIG_SCHED_AUTOGROUP), niceness counts only
  // within a session, and this is the session's own: sched(7), "The autogroup feature".
  const std::string file = "/proc/" + std::to_string(leader) + "/autogroup", text = std::to_string(nice);
  const OwnedFd autogroup(::open(file.c_str(), O_WRONLY | O_CLOEXEC));
  if (autogroup && ::write(autogroup.get(), text.data(), text.size()) < 0) errno = 0;
}

/// Why this file cannot be run, or nothing.
std::string obstacle(const std::string& file) {
  struct stat found {};
  if (::stat(file.c_str(), &found) != 0) return file + ": " + std::generic_category().message(errno);
  if (S_ISDIR(found.st_mode)) return file + " is a directory, not a program";
  if (::access(file.c_str(), X_OK) != 0) return file + " is not executable; run: chmod +x " + file;
  return {};
}

}  // namespace

Result<std::string> find_program(const std::string& program, const std::string& path,
                                 const std::string& working_directory) {
  if (program.empty()) return error(ErrorCode::Invalid, "the command is empty; name a program to run");
  if (program.find('/') != std::string::npos) {
    const bool relative = program[0] != '/' && !working_directory.empty();
    const std::string file = relative ? working_directory + "/" + program : program;
    const std::string why = obstacle(file);
    if (!why.empty()) return error(ErrorCode::Invalid, "cannot run " + why);
    return program;
  }
  std::string found_but;
  for (std::size_t start = 0; start <= path.size();) {
    const std::size_t end = std::min(path.find(':', start), path.size());
    const std::string directory = path.substr(start, end - start);
    std::string file = (directory.empty() ? "." : directory) + "/" + program;
    const std::string why = obstacle(file);
    if (why.empty()) return file;
    struct stat found {};
    if (found_but.empty() && ::stat(file.c_str(), &found) == 0) found_but = why;
    start = end + 1;
  }
  if (!found_but.empty()) return error(ErrorCode::Invalid, "cannot run " + found_but);
  return error(ErrorCode::Invalid, "command not found: " + program + " is in no directory of PATH (" + path +
                                       "); give its full path or extend PATH");
}

Result<std::string> program_of(const SpawnRequest& request) {
  if (request.command.empty())
    return error(ErrorCode::Invalid, "the command is empty; name a program to run");
  struct stat directory {};
  if (!request.working_directory.empty() &&
      (::stat(request.working_directory.c_str(), &directory) != 0 || !S_ISDIR(directory.st_mode))) {
    return error(ErrorCode::Invalid,
                 "the working directory " + request.working_directory +
                     " does not exist or is no directory; create it or correct the setting");
  }
  const auto path = request.environment.find("PATH");
  return find_program(request.command[0], path == request.environment.end() ? "" : path->second,
                      request.working_directory);
}

Result<SpawnedProcess> spawn_process(const SpawnRequest& request) {
  const auto program = program_of(request);
  if (!program) return std::unexpected(program.error());
  auto pipe = make_pipe();
  if (!pipe) return std::unexpected(pipe.error());
  std::vector<std::string> entries;
  entries.reserve(request.environment.size());
  for (const auto& [name, value] : request.environment) entries.push_back(name + "=" + value);
  const std::vector<char*> arguments = pointers(request.command), environment = pointers(entries);
  SpawnedProcess process;
  if (request.isolation) {
    auto launched = launch(*request.isolation, arguments.data(), environment.data(), (*pipe)[1].get());
    if (!launched) return isolated_refusal(launched.error(), *program);
    process.pid = launched->pid;
    process.exited = std::move(launched->exited);
    process.status = std::move(launched->status);
    process.layers = std::move(launched->layers);
    process.output = std::move((*pipe)[0]);
    give_way(process.pid, request.nice);
    return process;
  }
  Setup setup;
  prepare(setup, request, (*pipe)[1].get());
  const int number = ::posix_spawn(&process.pid, program->c_str(), &setup.actions, &setup.attributes,
                                   arguments.data(), environment.data());
  if (number != 0) return refusal(number, *program);
  process.output = std::move((*pipe)[0]);
  process.exited = OwnedFd(static_cast<int>(::syscall(SYS_pidfd_open, process.pid, 0)));
  if (!process.exited) {
    const int why = errno;
    ::kill(-process.pid, SIGKILL);
    ::waitpid(process.pid, nullptr, 0);
    return shortage(why, "watch the process");
  }
  give_way(process.pid, request.nice);
  return process;
}

}  // namespace forewarm
