#include "edge/functions/worker/runtime_process.h"

#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <map>
#include <system_error>
#include <utility>

namespace forewarm {
namespace {

constexpr std::chrono::seconds kGrace{2};

/// What Lambda's runtimes expect to find (docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html),
/// where the image does not say otherwise.
std::vector<std::string> runtime_environment(const std::string& runtime_api) {
  std::map<std::string, std::string> all{{"AWS_REGION", "us-east-1"},
                                         {"AWS_DEFAULT_REGION", "us-east-1"},
                                         {"AWS_LAMBDA_FUNCTION_NAME", "function"},
                                         {"AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"},
                                         {"AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128"},
                                         {"AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand"},
                                         {"AWS_LAMBDA_LOG_GROUP_NAME", "/aws/lambda/function"},
                                         {"AWS_LAMBDA_LOG_STREAM_NAME", "worker"},
                                         {"AWS_XRAY_CONTEXT_MISSING", "LOG_ERROR"},
                                         {"LAMBDA_TASK_ROOT", "/var/task"},
                                         {"LAMBDA_RUNTIME_DIR", "/var/runtime"},
                                         {"_HANDLER", "handler"}};
  for (char** each = environ; *each != nullptr; ++each) {
    const std::string entry = *each;
    const std::size_t equals = entry.find('=');
    if (equals != std::string::npos) all[entry.substr(0, equals)] = entry.substr(equals + 1);
  }
  // The worker's secret is not its function's.
  all.erase("FOREWARM_TOKEN");
  all["AWS_LAMBDA_RUNTIME_API"] = runtime_api;
  std::vector<std::string> entries;
  entries.reserve(all.size());
  for (const auto& [name, value] : all) entries.push_back(name + "=" + value);
  return entries;
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> all;
  all.reserve(texts.size() + 1);
  for (std::string& text : texts) all.push_back(text.data());
  all.push_back(nullptr);
  return all;
}

}  // namespace

Result<std::unique_ptr<RuntimeProcess>> RuntimeProcess::start(
    Loop& loop, const std::vector<std::string>& command, const std::string& runtime_api,
    std::function<void(const std::string&, int)> ended) {
  std::vector<std::string> words = command;
  std::vector<std::string> entries = runtime_environment(runtime_api);
  posix_spawnattr_t attributes;
  ::posix_spawnattr_init(&attributes);
  sigset_t none, all;
  ::sigemptyset(&none);
  ::sigfillset(&all);
  ::posix_spawnattr_setsigmask(&attributes, &none);
  ::posix_spawnattr_setsigdefault(&attributes, &all);
  ::posix_spawnattr_setpgroup(&attributes, 0);
  ::posix_spawnattr_setflags(&attributes,
                             POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
  pid_t pid = 0;
  const int failed = ::posix_spawnp(&pid, words.front().c_str(), nullptr, &attributes, pointers(words).data(),
                                    pointers(entries).data());
  ::posix_spawnattr_destroy(&attributes);
  if (failed != 0)
    return error(ErrorCode::Invalid, "cannot run " + words.front() + ": " +
                                         std::generic_category().message(failed) +
                                         "; the command after -- is looked up in PATH, or has a slash in it");
  return std::unique_ptr<RuntimeProcess>(new RuntimeProcess(loop, pid, std::move(ended)));
}

RuntimeProcess::RuntimeProcess(Loop& loop, pid_t pid, std::function<void(const std::string&, int)> ended)
    : loop_(loop), pid_(pid), ended_(std::move(ended)) {
  children_ = loop.watch_signals({SIGCHLD}, [this](int) { reap(); });
  // It may have ended before anybody watched.
  loop.post([this] { reap(); });
}

RuntimeProcess::~RuntimeProcess() {
  if (running_) ::kill(-pid_, SIGKILL);
}

void RuntimeProcess::reap() {
  for (;;) {
    int status = 0;
    const pid_t child = ::waitpid(-1, &status, WNOHANG);
    if (child <= 0) return;
    if (child != pid_) continue;
    running_ = false;
    ::kill(-pid_, SIGKILL);  // what it started and left
    const bool by_signal = WIFSIGNALED(status);
    const int code = by_signal ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
    const std::string how = by_signal ? "killed by signal " + std::to_string(WTERMSIG(status))
                                      : "exit status " + std::to_string(code);
    if (gone_) return std::exchange(gone_, nullptr)();
    ended_(how, code);
  }
}

void RuntimeProcess::end(std::function<void()> gone) {
  if (!running_) return gone();
  gone_ = std::move(gone);
  ::kill(-pid_, SIGTERM);
  grace_ = loop_.call_after(kGrace, [this] { ::kill(-pid_, SIGKILL); });
}

}  // namespace forewarm
