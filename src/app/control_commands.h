#pragma once

#include <functional>
#include <string>

namespace CLI {
class App;
}

namespace forewarm {

/// What `forewarm control` was told.
struct ControlCommand {
  enum class What { Run, Keda, Rollback };
  What what = What::Run;
  std::string config = "control.toml";
  std::string name;  ///< of a queue; rollback: empty means all
  bool once = false;
  bool apply = false;
  bool json = false;
};

/// Adds `forewarm control [keda|rollback]` to the program. `on` takes what to do when it is chosen.
void add_control_commands(CLI::App& program, ControlCommand& command,
                          const std::function<void(CLI::App*, std::function<int()>)>& on);

int run_control(const ControlCommand& command);
int run_control_keda(const ControlCommand& command);
int run_control_rollback(const ControlCommand& command);

}  // namespace forewarm
