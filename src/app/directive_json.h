#pragma once

#include <string>

#include "core/model/directive.h"
#include "edge/observe/json_writer.h"

namespace forewarm {

/// JSON Schema of one directive.
extern const char* const kDirectiveSchema;
/// One directive as JSON (docs/formats/directive.md).
void write_directive(const std::string& queue, const Directive& directive, JsonWriter& json);

}  // namespace forewarm
