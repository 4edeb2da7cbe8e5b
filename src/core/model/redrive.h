#pragma once

#include <cstdint>
#include <vector>

#include "core/model/ids.h"

namespace forewarm {

// The events that send messages back from a dead-letter queue.

/// Move up to `messages_max` available messages of `from` to `to`, attempts forgotten (StartMessageMoveTask);
/// without `to`, each to the queue whose dead letter it is, up to the first that is nobody's.
struct RedriveRequested {
  QueueId from;
  QueueId to;
  std::uint32_t messages_max = 0;
  friend bool operator==(const RedriveRequested&, const RedriveRequested&) = default;
};
/// Move these messages of `from` to `to`, attempts forgotten: those of them that are available. Of a standard
/// queue.
struct ChosenRedriven {
  QueueId from;
  QueueId to;
  std::vector<MessageId> messages;
  friend bool operator==(const ChosenRedriven&, const ChosenRedriven&) = default;
};

}  // namespace forewarm
