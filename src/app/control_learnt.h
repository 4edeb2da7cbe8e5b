#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "app/controlled.h"
#include "app/history_keeper.h"
#include "app/learnt_keeper.h"
#include "edge/net/loop.h"

namespace forewarm {

/// Has what control learns of its queues kept in the history, as serve has it of its own
/// (docs/decisions/0012-shadow-kept-across-restarts.md), and given back. For the loop's thread.
class ControlLearnt {
 public:
  using Queues = std::vector<std::unique_ptr<Controlled>>;  ///< by id, from 1
  /// Everything outlives it, and outlives what it gives the history.
  struct Surroundings {
    Loop* loop = nullptr;
    const Queues* queues = nullptr;  ///< all that there will be
    HistoryKeeper* history = nullptr;
    std::function<TimePoint()> now;
    std::function<void(const std::string&)> warn;
  };
  /// Reads what is kept of all queues; waits for the database.
  explicit ControlLearnt(Surroundings by);

  /// What was read of a queue, when watching it begins.
  void give_back(Controlled& controlled);
  /// Others may have learnt since what this copy could not: reads it again, later.
  void recall_again();
  /// What is due; about once a second, by whoever acts.
  void write() { keep_learnt(*by_.history, keeper_, by_.now(), false); }
  /// All that is new: the program ends.
  void finish() { keep_learnt(*by_.history, keeper_, by_.now(), true); }

 private:
  LearntKeeper<WatchRestored>::Subjects subjects() const;
  WatchedQueue& watched(QueueId id) const { return (*by_.queues)[id.value() - 1]->queue.watched(); }

  Surroundings by_;
  std::map<std::string, QueueId, std::less<>> names_;
  LearntKeeper<WatchRestored> keeper_;
  std::map<QueueId, WatchMemory> recalled_;
};

}  // namespace forewarm
