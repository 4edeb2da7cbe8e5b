#pragma once

#include <string>

#include "base/result.h"
#include "retry/trial.h"

namespace forewarm {

/// The odds of first attempts over a recorded trace, each said before its outcome is learnt: a CSV file, gzip
/// or not, with the columns timestamp_s, queue, bytes, duration_ms, status (SUCCEED, FAILED; others are left
/// out), tenant and model, rows ascending in time. Invalid names file, line and column.
Result<OddsScore> score_first_attempts(const std::string& path);

}  // namespace forewarm
