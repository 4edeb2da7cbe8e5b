#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "core/forecast/ensemble/forecast_reason.h"
#include "core/model/event.h"
#include "core/model/forecast.h"

namespace forewarm {

// What goes over the pipes between the server and its fit worker: both ends are the same program, so the
// bytes are the machine's own, without a version. Every read is bounds-checked all the same: a worker may
// have died in the middle.

/// A fit's answer, what signals did in it (by SignalId), and all else that carries it where the worker
/// explains itself.
struct FitAnswer {
  ForecastFitted fitted;
  std::vector<ForecastReason> reasons = {};
};

std::string encode(const FitRequest& request);
Result<FitRequest> decode_fit_request(std::string_view bytes);
std::string encode(const FitAnswer& answer);
Result<FitAnswer> decode_fit_answer(std::string_view bytes);

}  // namespace forewarm
