#pragma once

#include <functional>
#include <string>

namespace CLI {
class App;
}

namespace forewarm {

/// What `forewarm notify test` was told.
struct NotifyCommand {
  std::string receiver;  ///< empty: all
  std::string config;
  bool json = false;
};

/// Adds `forewarm notify test` to the program. `on` takes what to do when it is chosen.
void add_notify_commands(CLI::App& program, NotifyCommand& command,
                         const std::function<void(CLI::App*, std::function<int()>)>& on);

/// Sends an alert that is none to the receivers of a file, and says what came back; 1 where one did not take
/// it.
int run_notify_test(const NotifyCommand& command);

}  // namespace forewarm
