#include "edge/cloud/targets/command_target.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <charconv>
#include <csignal>
#include <system_error>
#include <utility>

extern char** environ;

namespace forewarm {
namespace {

constexpr std::size_t kOutputMax = 1U << 20;
constexpr int kLookMs = 50;

std::string last_line(std::string text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.pop_back();
  const std::size_t newline = text.rfind('\n');
  return text.substr(newline == std::string::npos ? 0 : newline + 1).substr(0, 300);
}

/// A child in a process group of its own, whose output is read from `output`.
struct Child {
  pid_t id = 0;
  int output = -1;
};

Result<Child> start(const std::vector<std::string>& command, const std::vector<std::string>& environment) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0)
    return error(ErrorCode::Io, std::string("no pipe: ") + std::generic_category().message(errno));
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  ::posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
  ::posix_spawn_file_actions_adddup2(&actions, ends[1], STDERR_FILENO);
  posix_spawnattr_t attributes;
  ::posix_spawnattr_init(&attributes);
  ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
  std::vector<std::string> words = command;
  std::vector<std::string> variables = environment;
  std::vector<char*> argv, envp;
  for (std::string& word : words) argv.push_back(word.data());
  for (std::string& variable : variables) envp.push_back(variable.data());
  for (char** inherited = environ; *inherited != nullptr; ++inherited) envp.push_back(*inherited);
  argv.push_back(nullptr);
  envp.push_back(nullptr);
  Child child{.id = 0, .output = ends[0]};
  const int code = ::posix_spawnp(&child.id, argv[0], &actions, &attributes, argv.data(), envp.data());
  ::posix_spawnattr_destroy(&attributes);
  ::posix_spawn_file_actions_destroy(&actions);
  ::close(ends[1]);
  if (code == 0) return child;
  ::close(ends[0]);
  return error(ErrorCode::Io,
               command.front() + " cannot be started: " + std::generic_category().message(code));
}

/// What it writes until it closes its output; false if that takes too long.
bool read_all(int output, std::chrono::steady_clock::time_point deadline, const std::stop_token& stop,
              std::string& text) {
  char chunk[4096];
  while (!stop.stop_requested() && std::chrono::steady_clock::now() < deadline) {
    pollfd watched{.fd = output, .events = POLLIN, .revents = 0};
    if (::poll(&watched, 1, kLookMs) <= 0) continue;
    const ssize_t got = ::read(output, chunk, sizeof chunk);
    if (got == 0) return true;
    if (got < 0 && errno != EINTR) return true;
    if (got > 0 && text.size() < kOutputMax) text.append(chunk, static_cast<std::size_t>(got));
  }
  return false;
}

class CommandScaleTarget : public ScaleTarget {
 public:
  explicit CommandScaleTarget(CommandTarget target) : target_(std::move(target)) {}

  bool readable() const override { return !target_.read_command.empty(); }

  Result<TargetState> current(const std::stop_token& stop) override {
    const Result<std::string> said =
        run_to_end(target_.read_command, {"FOREWARM_QUEUE=" + target_.queue}, target_.timeout, stop);
    if (!said) return std::unexpected(said.error());
    const std::string text = last_line(*said);
    std::uint32_t instances = 0;
    const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), instances);
    if (code != std::errc() || end != text.data() + text.size())
      return error(ErrorCode::Invalid,
                   "read_command: expected a number of instances as its last line, got '" + text + "'");
    return TargetState{.set = instances, .ready = {}};
  }

  Result<void> set(std::optional<std::uint32_t> instances, const std::stop_token& stop) override {
    if (!instances) return error(ErrorCode::Invalid, "a command is told a number");
    const Result<std::string> done =
        run_to_end(target_.command,
                   {"FOREWARM_QUEUE=" + target_.queue, "FOREWARM_INSTANCES=" + std::to_string(*instances)},
                   target_.timeout, stop);
    if (!done) return std::unexpected(done.error());
    return {};
  }

  std::string request_text(std::optional<std::uint32_t> instances) const override {
    std::string text = "FOREWARM_INSTANCES=" + std::to_string(instances.value_or(0));
    for (const std::string& word : target_.command) text += " " + word;
    return text;
  }

 private:
  CommandTarget target_;
};

}  // namespace

Result<std::string> run_to_end(const std::vector<std::string>& command,
                               const std::vector<std::string>& environment, std::chrono::milliseconds timeout,
                               const std::stop_token& stop) {
  const Result<Child> child = start(command, environment);
  if (!child) return std::unexpected(child.error());
  const auto deadline = std::chrono::steady_clock::now() + timeout;
  std::string output;
  bool in_time = read_all(child->output, deadline, stop, output);
  int status = 0;
  pid_t ended = 0;
  // It may have closed its output and go on.
  while (in_time && (ended = ::waitpid(child->id, &status, WNOHANG)) == 0) {
    in_time = !stop.stop_requested() && std::chrono::steady_clock::now() < deadline;
    ::poll(nullptr, 0, 5);
  }
  ::kill(-child->id, SIGKILL);
  if (ended == 0) ::waitpid(child->id, &status, 0);
  ::close(child->output);
  const std::string& name = command.front();
  const std::string words = output.empty() ? "" : ": " + last_line(output);
  if (!in_time)
    return error(ErrorCode::Io, name + " was not done after " + std::to_string(timeout.count()) +
                                    " ms and was killed" + words);
  if (WIFSIGNALED(status))
    return error(ErrorCode::Io, name + " was ended by signal " + std::to_string(WTERMSIG(status)) + words);
  if (WEXITSTATUS(status) != 0)
    return error(ErrorCode::Io, name + " ended with " + std::to_string(WEXITSTATUS(status)) + words);
  return output;
}

std::unique_ptr<ScaleTarget> make_command_target(CommandTarget target) {
  return std::make_unique<CommandScaleTarget>(std::move(target));
}

}  // namespace forewarm
