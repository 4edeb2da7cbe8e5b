#include "app/server_options.h"

#include <CLI/CLI.hpp>

namespace forewarm {

void add_server_options(CLI::App& command, ServerAddress& server) {
  command.add_option("--endpoint", server.endpoint, "SQS endpoint of the server")
      ->envname("FOREWARM_ENDPOINT")
      ->capture_default_str();
  command.add_option("--admin-endpoint", server.admin, "admin address of the server")
      ->envname("FOREWARM_ADMIN_ENDPOINT")
      ->capture_default_str();
  command
      .add_option("--token-file", server.token_file,
                  "file with the token for the admin address (default: what FOREWARM_TOKEN holds)")
      ->envname("FOREWARM_TOKEN_FILE");
  command.add_flag("--json", server.json, "JSON on standard output");
}

}  // namespace forewarm
