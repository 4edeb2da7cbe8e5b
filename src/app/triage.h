#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "app/dead_letters.h"
#include "core/orchestrator.h"

namespace forewarm {

/// Why messages are dead letters, and whether that still holds.
enum class TriageCause : std::uint8_t {
  Unknown,
  Poison,      ///< the messages themselves: they would fail again
  Outage,      ///< something that the function needs is not there
  OutageOver,  ///< it was not, and is again
  Deploy,      ///< a version of the function fails
  DeployOver,  ///< another version runs now, and succeeds
  Timeout,     ///< they take longer than they may
  Unhandled,   ///< nobody failed: they were received too often without being deleted
};
std::string_view word(TriageCause cause);

/// What one group of dead letters is judged by.
struct TriageFacts {
  ErrorClass error = ErrorClass::None;
  FailureCause cause = FailureCause::Unknown;  ///< that most were given when they were dead-lettered
  MoveReason reason = MoveReason::ReceiveCount;
  std::uint64_t succeeded_since = 0;  ///< runs of the function
  std::uint32_t version_then = 0;
  std::uint32_t version_now = 0;    ///< 0: the function is gone
  std::optional<RerunOdds> odds{};  ///< nothing where no function takes the queue's messages
};

struct TriageVerdict {
  TriageCause cause = TriageCause::Unknown;
  std::string why;                     ///< a sentence
  std::optional<double> success_odds;  ///< if sent back now; nothing where too little is known
  std::string odds_from;               ///< what they rest on, or why there are none
};
TriageVerdict judge(const TriageFacts& facts);

}  // namespace forewarm
