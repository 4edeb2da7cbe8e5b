#pragma once

#include "base/time.h"
#include "core/history/outcomes.h"

namespace forewarm {

/// What an attempt's prior rests on beside the hierarchical estimate.
struct NewestOutcomes {
  Recency first;                         ///< of the function's first attempts
  Duration since_outcome = Duration(0);  ///< since the function's last one of whichever message
  TenantFailures tenant;
  OutcomeCounts after_error;  ///< of attempts that followed the same error as the message's last
  Recency after;              ///< the newest of them
  bool passed = false;        ///< one of them has succeeded since this message failed
};

}  // namespace forewarm
