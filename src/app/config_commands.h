#pragma once

#include <functional>
#include <string>

namespace CLI {
class App;
}

namespace forewarm {

struct ConfigCommand {
  std::string checked;
  bool connect = false;  ///< to the sources of what is checked
  std::string written = "forewarm.toml";
};

int run_check(const ConfigCommand& command);
int run_config_init(const std::string& path);
int run_config_reference();

/// forewarm check, forewarm config
void add_config_commands(CLI::App& program, ConfigCommand& command,
                         const std::function<void(CLI::App*, std::function<int()>)>& on);

}  // namespace forewarm
