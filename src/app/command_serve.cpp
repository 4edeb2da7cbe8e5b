// forewarm serve

#include <iostream>

#include "app/commands.h"
#include "app/server.h"
#include "app/terminal.h"

namespace forewarm {

namespace {

/// Flags over the environment over the file.
Result<ServerConfig> read_all(const ServeCommand& command) {
  Result<ServerConfig> config = command.config.empty() ? ServerConfig{} : read_config_file(command.config);
  if (!config) return config;
  if (const Result<void> environment = apply_environment(*config); !environment)
    return std::unexpected(environment.error());
  if (!command.data.empty()) config->data = command.data;
  if (!command.listen.empty()) config->listen = command.listen;
  if (!command.admin.empty()) config->admin = command.admin;
  if (!command.public_url.empty()) config->public_url = command.public_url;
  if (const Result<void> url = check_public_url(config->public_url); !url)
    return error(ErrorCode::Invalid, "public_url: " + url.error().message);
  if (!command.record.empty()) config->record = command.record;
  return config;
}

}  // namespace

int run_serve(const ServeCommand& command) {
  const Result<ServerConfig> config = read_all(command);
  if (!config) return failed(config.error());
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
  if (!command.config.empty()) options.read_again = [&command] { return read_all(command); };
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
