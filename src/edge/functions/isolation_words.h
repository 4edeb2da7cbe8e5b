#pragma once

#include <string>

#include "edge/functions/launcher/launch_spec.h"

namespace forewarm {

/// What an operator can do to have a layer.
std::string remedy_for(IsolationLayer layer);

}  // namespace forewarm
