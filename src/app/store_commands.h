#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "app/commands.h"

namespace CLI {
class App;
}

namespace forewarm {

/// What `forewarm backup`, `restore`, `doctor` and `audit` were told.
struct StoreCommand {
  ServerAddress server;
  std::string folder;  ///< the target of a backup, the source of a restore
  std::string data = "forewarm-data";
  std::string salvage;
  std::vector<std::string> recordings;  ///< that the doctor is to look at
  std::vector<std::string> archives;    ///< the same
  std::string config;   ///< of the server that the doctor looks at the machine for; empty: the default
  std::string audited;  ///< data folder of a stopped server; empty: ask a running one
  std::uint64_t lines = 100;
};

/// Adds these to the program. `on` takes what to do when one is chosen.
void add_store_commands(CLI::App& program, StoreCommand& command,
                        const std::function<void(CLI::App*, std::function<int()>)>& on);

}  // namespace forewarm
