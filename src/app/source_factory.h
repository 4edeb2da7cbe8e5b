#pragma once

#include <memory>

#include "app/source_config.h"
#include "base/result.h"
#include "edge/cloud/message_source.h"

namespace forewarm {

/// The source that a URL names, not yet begun. Invalid for a scheme that no engine has, or parts that its
/// engine does not understand, with what was expected; Io for secrets that cannot be read. Never with
/// secrets in the message.
///
/// A URL may carry options, too: ?NAME=VALUE&... (docs/engines.md); those of `config` win, as does its
/// password.
Result<std::unique_ptr<MessageSource>> make_source(const SourceConfig& config);

}  // namespace forewarm
