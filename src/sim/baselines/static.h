#pragma once

#include <cstdint>
#include <memory>

#include "core/scale/scaler.h"

namespace forewarm {

/// Always `instances` (at most what the function and the machine allow), whatever comes.
std::unique_ptr<Scaler> make_static_scaler(std::uint32_t instances);

}  // namespace forewarm
