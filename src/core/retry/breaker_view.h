#pragma once

#include <cstdint>

#include "base/time.h"
#include "core/model/decision.h"
#include "core/model/ids.h"

namespace forewarm {

enum class BreakerState : std::uint8_t {
  Closed,     ///< messages run as they come
  Open,       ///< what fails with it waits; now and then a canary is run
  HalfOpen,   ///< a canary succeeded: what waits is let go, twice as many each time
  Permanent,  ///< it has outlived what outages last while the function works for others: it is the messages
};

/// One attempt of one message, as its function's breakers see it.
struct AttemptOutcome {
  TimePoint at;
  bool first = false;  ///< the message had not failed before
  bool again = false;  ///< it had, with `previous`
  std::uint64_t previous = 0;
  ErrorClass error = ErrorClass::None;  ///< None: it succeeded
  std::uint64_t fingerprint = 0;        ///< of this failure
  TenantId tenant = {};
};

/// What a breaker says of one kind of failure.
struct BreakerView {
  BreakerState state = BreakerState::Closed;
  bool everything = false;      ///< most messages fail with it, not only some
  bool young = false;           ///< it is not yet older than outages last
  bool counts = true;           ///< attempts that fail meanwhile are the messages': nothing says it is down
  Duration wait = Duration(0);  ///< till the predicted recovery
  std::uint32_t failed_in_row = 0;  ///< attempts after it that failed, since the last one that succeeded
  FailureCause cause = FailureCause::Unknown;
};

}  // namespace forewarm
