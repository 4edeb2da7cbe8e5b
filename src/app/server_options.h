#pragma once

#include "app/commands.h"

namespace CLI {
class App;
}

namespace forewarm {

/// --endpoint, --admin-endpoint, --token-file and --json: where a command finds its server and who it says it
/// is.
void add_server_options(CLI::App& command, ServerAddress& server);

}  // namespace forewarm
