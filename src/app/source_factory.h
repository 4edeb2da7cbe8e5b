#pragma once

#include <memory>

#include "app/source_config.h"
#include "base/result.h"
#include "edge/cloud/message_source.h"

namespace forewarm {

/// The source that a URL names, not yet begun. Invalid for a scheme that no engine has, or parts that its
/// engine does not understand, with what was expected; NotFound for secrets that cannot be read.
Result<std::unique_ptr<MessageSource>> make_source(const SourceConfig& config);

}  // namespace forewarm
