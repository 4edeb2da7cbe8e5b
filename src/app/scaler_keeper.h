#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "app/queue_directory.h"
#include "core/model/event.h"
#include "edge/history/history_database.h"

namespace forewarm {

/// Sees to it that what the queues' scalers have learnt is in the history database, and gives it back: a few
/// queues a second, each when it has seen twice as many messages as it had when it was written last, or ten
/// minutes later. docs/decisions/0012-shadow-kept-across-restarts.md
class ScalerKeeper {
 public:
  using Learnt = std::function<std::optional<ScalerMemory>(QueueId)>;

  ScalerKeeper(const QueueDirectory& queues, Learnt learnt) : queues_(queues), learnt_(std::move(learnt)) {}

  /// The events that give back what was saved. What cannot be read is left out, and said.
  std::vector<ScalerRestored> restored(const std::vector<SavedScaler>& saved, TimePoint now,
                                       const std::function<void(const std::string&)>& warn);

  struct Memory {
    std::string queue;
    ScalerMemory memory;
  };
  /// What is due to be written, of the queues whose turn it is; about once a second.
  std::vector<Memory> take(TimePoint now);
  /// All that has changed since it was written: the server ends.
  std::vector<Memory> take_all(TimePoint now);
  /// As they are written; for the history's thread.
  static std::vector<SavedScaler> text_of(const std::vector<Memory>& memories, TimePoint now);

 private:
  struct Written {
    TimePoint at;
    double messages = 0;
  };
  void look(const QueueEntry& queue, TimePoint now, bool last, std::vector<Memory>& due);

  const QueueDirectory& queues_;
  Learnt learnt_;
  std::string looked_at_;  ///< the queue whose turn it was last
  std::map<QueueId, Written> written_;
};

}  // namespace forewarm
