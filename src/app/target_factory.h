#pragma once

#include <memory>
#include <string>

#include "app/control_config.h"
#include "base/result.h"
#include "edge/cloud/targets/keda.h"
#include "edge/cloud/targets/scale_target.h"

namespace forewarm {

/// The target of a checked [[control]]. Invalid with the remedy where this machine lacks what it needs.
Result<std::unique_ptr<ScaleTarget>> make_target(const ControlConfig& control);
/// What it is, in words that change when another is meant: what was found at one says nothing of another.
std::string target_identity(const ControlTarget& target);
/// The ScaledObject of a [[control]] whose target is keda. Invalid for another.
Result<std::string> scaled_object_of(const ControlFile& file, const ControlConfig& control);

}  // namespace forewarm
