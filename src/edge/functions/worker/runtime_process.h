#pragma once

#include <sys/types.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "edge/net/loop.h"

namespace forewarm {

/// The program of a worker that runs its function, in a process group of its own. What it writes goes where
/// this process writes. Also reaps what it leaves behind, since in a container this process is the first.
class RuntimeProcess {
 public:
  /// `ended` is called with words and the exit status as a shell has it. Invalid if it cannot be started.
  static Result<std::unique_ptr<RuntimeProcess>> start(
      Loop& loop, const std::vector<std::string>& command, const std::string& runtime_api,
      std::function<void(const std::string& how, int status)> ended);
  ~RuntimeProcess();

  /// SIGTERM to its group; SIGKILL after the grace. `gone` when it is.
  void end(std::function<void()> gone);

 private:
  RuntimeProcess(Loop& loop, pid_t pid, std::function<void(const std::string&, int)> ended);
  void reap();

  Loop& loop_;
  pid_t pid_;
  bool running_ = true;
  std::function<void(const std::string&, int)> ended_;
  std::function<void()> gone_{};
  std::unique_ptr<Loop::Watch> children_;
  std::unique_ptr<Loop::Timer> grace_;
};

}  // namespace forewarm
