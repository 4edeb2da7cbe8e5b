#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "edge/cloud/targets/scale_target.h"

namespace forewarm {

/// A program that sets instances: it gets FOREWARM_QUEUE and FOREWARM_INSTANCES in its environment and ends
/// with 0 when it is done. A second one prints how many there are.
struct CommandTarget {
  std::string queue;
  std::vector<std::string> command;
  std::vector<std::string> read_command{};  ///< empty: it cannot be asked
  std::chrono::milliseconds timeout{10'000};
};
std::unique_ptr<ScaleTarget> make_command_target(CommandTarget target);

/// Runs a program to its end, nothing on its standard input; its output, a megabyte at most. Io with the last
/// line that it said, if it cannot be started, fails, or is not done in time: then it is killed with all that
/// it started and that is still of its process group.
Result<std::string> run_to_end(const std::vector<std::string>& command,
                               const std::vector<std::string>& environment, std::chrono::milliseconds timeout,
                               const std::stop_token& stop);

}  // namespace forewarm
