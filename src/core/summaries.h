#pragma once

#include <span>

#include "core/queue_state.h"

namespace forewarm {

/// As measured; the guess where nothing was.
DurationSummary summary_of(const DurationSketch& sketch, Duration guess);

/// Reads a function's start and service times anew, where enough of them have come since the last time.
void refresh_summaries(FunctionState& function);

/// Service times from before the start stand in until the first run is over: whoever has to plan for the
/// first message cannot wait for it.
void restore_service_times(FunctionState& function, std::span<const WeightedValue> sample);

}  // namespace forewarm
