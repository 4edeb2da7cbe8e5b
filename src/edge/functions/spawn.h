#pragma once

#include <sys/types.h>

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "edge/functions/launch.h"
#include "edge/functions/owned_fd.h"

namespace forewarm {

struct SpawnRequest {
  std::vector<std::string>
      command;                    ///< the program is looked up in the environment's PATH if it has no slash
  std::string working_directory;  ///< empty: ours
  std::map<std::string, std::string> environment;  ///< all of it
  std::optional<IsolatedLaunch> isolation = {};    ///< none: a process like ours; then it knows the program
  int nice = 0;                                    ///< as of setpriority(2)
};

struct SpawnedProcess {
  pid_t pid = 0;
  OwnedFd exited;    ///< a pidfd: readable when the process has ended
  OwnedFd output;    ///< standard output and error, without blocking
  OwnedFd status{};  ///< see LaunchedProcess
  std::vector<LayerOutcome> layers{};
  std::string note{};  ///< for the log; empty: nothing
};

/// Starts a process in a session and group of its own with standard input from /dev/null and no other
/// descriptor. posix_spawn or launch(), never fork: copying the page tables of a large parent takes
/// milliseconds. Blocks until the program is running or the system refused it. Any thread. Invalid when the
/// command is wrong, Exhausted when the system is short of something; the message names the path and the
/// remedy.
Result<SpawnedProcess> spawn_process(const SpawnRequest& request);

/// What a request's command means, or why it cannot be run; its working directory is there.
Result<std::string> program_of(const SpawnRequest& request);
/// The file that a command means, or why none.
Result<std::string> find_program(const std::string& program, const std::string& path,
                                 const std::string& working_directory);

}  // namespace forewarm
