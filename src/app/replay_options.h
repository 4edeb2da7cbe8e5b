#pragma once

#include "app/commands.h"

namespace CLI {
class App;
}

namespace forewarm {

/// What `forewarm replay` can be told.
void add_replay_options(CLI::App& sub, ReplayCommand& command);

}  // namespace forewarm
