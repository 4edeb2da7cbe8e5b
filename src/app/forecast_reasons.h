#pragma once

#include <string>
#include <string_view>

#include "core/forecast/ensemble/forecast_reason.h"

namespace forewarm {

/// newest, season, model, signal or batch.
std::string_view reason_kind_name(ForecastReason::Kind kind);

/// In words, for a forecast that begins at `start`. `signal`: the name of a signal's reason; without one it
/// has a number.
std::string reason_text(const ForecastReason& reason, TimePoint start, Duration step,
                        std::string_view signal = {});

}  // namespace forewarm
