#pragma once

#include <vector>

#include "base/time.h"
#include "core/model/function_memory.h"
#include "core/model/ids.h"
#include "core/model/queue_memory.h"
#include "core/model/retry_memory.h"
#include "core/model/weighted_value.h"

namespace forewarm {

// Events that give the core back what was known before it.

/// What was measured of a queue before the core knew it: arrivals, bytes and seconds of work per step of the
/// forecasts' grid, from `start` on, NaN where nothing was measured. All three have one size.
struct HistoryRestored {
  QueueId queue;
  TimePoint start;
  std::vector<float> arrivals;
  std::vector<float> bytes;
  std::vector<float> work_seconds;
  std::vector<WeightedValue> service_seconds;  ///< of one message, the newest runs; ascending
  friend bool operator==(const HistoryRestored&, const HistoryRestored&) = default;
};
/// What had been learnt of a queue before the core knew it. A scaler that has seen messages, or has other
/// settings, does not take it; nor does the choice of models that has scored one, or other steps.
struct QueueRestored {
  QueueId queue;
  QueueMemory memory;
  friend bool operator==(const QueueRestored&, const QueueRestored&) = default;
};
/// What had been learnt of failures before the start. Taken only before anything else is learnt of them, and
/// of outages only for functions that are there.
struct RetryRestored {
  RetryMemory memory;
  friend bool operator==(const RetryRestored&, const RetryRestored&) = default;
};
/// What had been learnt of how a function runs before the start. One that is not there, or of which something
/// was learnt since, does not take it, and none takes numbers that it could not have learnt; of a function
/// whose variants have other sizes, what does not depend on the variant. A function that is the same by its
/// name and is told to do something else keeps it, as it does while the server runs: restored, it counts for
/// half of what it may count for, and what comes replaces it.
struct FunctionRestored {
  FunctionId function;
  FunctionMemory memory;
  friend bool operator==(const FunctionRestored&, const FunctionRestored&) = default;
};

}  // namespace forewarm
