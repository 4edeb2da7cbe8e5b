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

/// What `forewarm queue ...` and `forewarm dlq ...` were told.
struct QueueCommand {
  ServerAddress server;
  std::string name;
  std::string text;
  std::vector<std::string> values;
  std::uint64_t redriven_max = 1'000'000;
  std::uint64_t peeked_max = 10;
  ScalingCommand scaling;
  DeadLetterCommand dead_letters;
};

/// Adds `forewarm queue` and `forewarm dlq` to the program. `on` takes what to do when one is chosen.
void add_queue_commands(CLI::App& program, QueueCommand& command,
                        const std::function<void(CLI::App*, std::function<int()>)>& on);

}  // namespace forewarm
