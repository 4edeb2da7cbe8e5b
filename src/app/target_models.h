#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "core/model/directive.h"

namespace forewarm {

/// A kind of target and what is known of it.
struct TargetModel {
  std::string_view kind;
  std::string_view what;
  ActuatorModel actuator;
  std::uint32_t least = 0;  ///< that can be set there
  std::uint32_t most = UINT32_MAX;
  bool controlled = true;  ///< `forewarm control` can set it
};

std::span<const TargetModel> target_models();
/// Null where there is no such kind.
const TargetModel* find_target_model(std::string_view kind);
/// "process, hpa, ..."; with `controlled` only those that can be set.
std::string target_kinds(bool controlled);

}  // namespace forewarm
