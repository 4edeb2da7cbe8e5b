// forewarm serve

#include <iostream>

#include "app/commands.h"
#include "app/server.h"
#include "app/terminal.h"

namespace forewarm {

int run_serve(const ServeCommand& command) {
  Result<ServerConfig> config = command.config.empty() ? ServerConfig{} : read_config_file(command.config);
  if (config) {
    if (const Result<void> environment = apply_environment(*config); !environment)
      config = std::unexpected(environment.error());
  }
  if (!config) return failed(config.error());
  if (!command.data.empty()) config->data = command.data;
  if (!command.listen.empty()) config->listen = command.listen;
  if (!command.admin.empty()) config->admin = command.admin;
  if (!command.record.empty()) config->record = command.record;
  const Result<LogLevel> level = parse_log_level(config->log_level);
  if (!level) {
    std::cerr << "log_level: " << level.error().message << "\n";
    return 1;
  }
  Log log({.level = *level, .descriptor = 2, .format = log_format_for(2)});
  for (const std::string& warning : config_warnings(*config)) log.warning(warning);
  Server::Options options;
  options.config = *config;
  options.log = &log;
  Result<std::unique_ptr<Server>> server = Server::open(std::move(options));
  if (!server) {
    log.error(server.error().message);
    return 1;
  }
  if (const Result<void> ended = (*server)->run(); !ended) {
    log.error("the store failed and nothing can be promised any more; start again when the disk is well",
              {{"reason", ended.error().message}});
    return 1;
  }
  log.info("stopped");
  return 0;
}

}  // namespace forewarm
