#pragma once

#include <cstddef>
#include <memory>

#include "core/forecast/forecaster.h"

namespace forewarm {

/// The engine as one model: every model is fitted, and the one speaks whose forecasts would have lost least
/// at the last few origins before the end of the history, `horizon` apart (ModelChoice).
std::unique_ptr<Forecaster> make_chosen_model(std::size_t horizon);

}  // namespace forewarm
