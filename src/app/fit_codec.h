#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "core/model/event.h"
#include "core/model/forecast.h"

namespace forewarm {

// What goes over the pipes between the server and its fit worker: both ends are the same program, so the
// bytes are the machine's own, without a version. Every read is bounds-checked all the same: a worker may
// have died in the middle.

std::string encode(const FitRequest& request);
Result<FitRequest> decode_fit_request(std::string_view bytes);
std::string encode(const ForecastFitted& fitted);
Result<ForecastFitted> decode_forecast_fitted(std::string_view bytes);

}  // namespace forewarm
