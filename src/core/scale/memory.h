#pragma once

#include "core/model/scaler_memory.h"

namespace forewarm {

/// Whether a scaler with `settings` can go on with it: everything is there, finite and within bounds, and was
/// learnt under the same settings. Whatever was read from a disk has to pass.
bool is_sound(const ScalerMemory& memory, const ScalingSettings& settings);

}  // namespace forewarm
