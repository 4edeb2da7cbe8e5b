#pragma once

#include <functional>
#include <optional>

#include "app/config.h"
#include "edge/observe/log.h"

namespace forewarm {

/// What SIGHUP puts in force: the configuration read again, but for what needs a restart. Nothing, and the
/// log says why, if there is none to read or it has an error.
std::optional<ServerConfig> read_reloaded(const std::function<Result<ServerConfig>()>& read_again,
                                          const std::function<Result<ServerConfig>(ServerConfig)>& take,
                                          const ServerConfig& in_force, Log& log);

}  // namespace forewarm
