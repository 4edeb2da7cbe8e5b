#include "app/reloading.h"

namespace forewarm {

std::optional<ServerConfig> read_reloaded(const std::function<Result<ServerConfig>()>& read_again,
                                          const std::function<Result<ServerConfig>(ServerConfig)>& take,
                                          const ServerConfig& in_force, Log& log) {
  if (!read_again) {
    log.warning("there is no configuration to reload: the server was started without --config");
    return std::nullopt;
  }
  Result<ServerConfig> read = read_again();
  if (read) read = take(std::move(*read));
  if (!read) {
    log.error("the configuration is not reloaded, the one in force stays",
              {{"reason", read.error().message}});
    return std::nullopt;
  }
  for (const std::string& warning : config_warnings(*read)) log.warning(warning);
  for (const std::string_view setting : keep_until_restart(in_force, *read))
    log.warning("a changed setting needs a restart", {{"setting", setting}});
  log.info("the configuration is reloaded", {{"functions", std::uint64_t{read->functions.size()}},
                                             {"mappings", std::uint64_t{read->mappings.size()}}});
  return std::move(*read);
}

}  // namespace forewarm
