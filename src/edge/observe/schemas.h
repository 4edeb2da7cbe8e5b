#pragma once

#include <span>
#include <string_view>

namespace forewarm {

/// A JSON Schema (2020-12, as OpenAPI 3.1 uses it) of what the REST API answers. Tests check real answers
/// against them.
struct NamedSchema {
  std::string_view name;
  std::string_view json;
};
std::span<const NamedSchema> api_schemas();

}  // namespace forewarm
