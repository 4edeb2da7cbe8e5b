#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "edge/functions/launcher/launch_spec.h"
#include "edge/functions/owned_fd.h"

namespace forewarm {

/// How one instance is shut in; what the launcher is told.
struct IsolatedLaunch {
  LaunchHeader header{};
  std::shared_ptr<const std::string> filter{};  ///< sock_filters, as bytes
  std::vector<std::string> texts{};             ///< LaunchText and path
  std::string note{};  ///< why it has no user of its own; empty: it has, or nobody has

  bool wants(IsolationLayer layer) const { return (header.layers & layer_bit(layer)) != 0; }
  void add(LaunchText kind, const std::string& path) { texts.push_back(static_cast<char>(kind) + path); }
};

/// What became of one layer at a start.
struct LayerOutcome {
  IsolationLayer layer{};
  int error = 0;       ///< errno; 0: active
  std::string step{};  ///< what failed
};

struct LaunchedProcess {
  pid_t pid = 0;
  OwnedFd exited;  ///< a pidfd
  OwnedFd status;  ///< wait status of the program, where `pid` is its namespace's first process; else none
  std::vector<LayerOutcome> layers{};
};

/// What could not be done, for the message to be made by whoever knows the program.
struct LaunchFailure {
  int error = 0;
  std::string step{};
  bool of_program = false;  ///< the program itself could not be run
};

/// Starts the launcher (edge/functions/launcher) in new namespaces with `output` as standard output and
/// error, and waits until the program runs or cannot. The child shares our memory until then, so that no page
/// table is copied (vfork(2)). Any thread; blocks for about a millisecond.
std::expected<LaunchedProcess, LaunchFailure> launch(const IsolatedLaunch& isolation, char* const* arguments,
                                                     char* const* environment, int output);

}  // namespace forewarm
