#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "app/source_config.h"
#include "edge/cloud/message_source.h"

namespace forewarm {

/// What is said of an engine that dead-letters a message by itself before this server has run it as often as
/// it may; empty: nothing.
std::string delivery_limit_warning(const SourceConfig& source, const EngineTraits& engine);

/// Connects to all sources at a time, for at most `patience`, takes no message and makes nothing there. What
/// is wrong with each, or what its engine would do against the configuration: a line each.
std::vector<std::string> check_sources(const std::vector<SourceConfig>& sources,
                                       std::chrono::milliseconds patience);

}  // namespace forewarm
