#pragma once

#include <cstdint>
#include <map>
#include <optional>

#include "app/queue_directory.h"
#include "core/orchestrator.h"
#include "edge/sqs/sqs_error.h"

namespace forewarm {

struct QueueLoad {
  std::uint64_t messages = 0;
  std::uint64_t bytes = 0;

  friend bool operator==(const QueueLoad&, const QueueLoad&) = default;
};

/// The limits on what a queue holds (ForewarmMaximumMessages, ForewarmMaximumBytes), kept exactly by sends.
///
/// The core counts what has arrived; what was accepted and is on its way to the disk or to the core is
/// counted here. Moves (dead letters, redrives) are not refused: a message is worth more than a limit.
class QueueLimits {
 public:
  /// OverLimit if `queue` cannot take `more` beside what it holds and what is on its way.
  std::optional<sqs::SqsError> find_fault(const QueueEntry& queue, const QueueView& view,
                                          QueueLoad more) const;
  void accept(QueueId queue, QueueLoad sent);
  void take_back(QueueId queue, QueueLoad failed);
  /// Forgets queues that are gone, now and then.
  void tidy(const QueueDirectory& directory);

 private:
  std::map<QueueId, QueueLoad> accepted_;  ///< since the start
};

}  // namespace forewarm
