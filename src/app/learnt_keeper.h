#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "app/function_directory.h"
#include "app/history_keeper.h"
#include "app/queue_directory.h"
#include "core/model/event.h"
#include "core/model/watch_memory.h"
#include "edge/history/history_database.h"

namespace forewarm {

/// What is kept of whom: as which event it is given back.
template <class Restored>
struct LearntOf;

template <>
struct LearntOf<QueueRestored> {
  using Subject = QueueId;
  using Memory = QueueMemory;
  static constexpr SeriesKind kKind = SeriesKind::Queue;
  static constexpr std::int64_t kVersion = kQueueMemoryVersion;
  static constexpr std::string_view kWords = "what the scaler of '";
  static constexpr std::string_view kBeginAnew = "The scalers begin anew.";
  /// Messages, and steps that forecasts were compared with.
  static double seen(const Memory& memory) {
    return (memory.scaler ? memory.scaler->messages : 0) + static_cast<double>(memory.choice.scored);
  }
};

template <>
struct LearntOf<FunctionRestored> {
  using Subject = FunctionId;
  using Memory = FunctionMemory;
  static constexpr SeriesKind kKind = SeriesKind::Function;
  static constexpr std::int64_t kVersion = kFunctionMemoryVersion;
  static constexpr std::string_view kWords = "what the router of function '";
  static constexpr std::string_view kBeginAnew = "Routing and start times begin anew.";
  static double seen(const Memory& memory) { return static_cast<double>(memory.learnt); }
};

template <>
struct LearntOf<WatchRestored> {
  using Subject = QueueId;
  using Memory = WatchMemory;
  static constexpr SeriesKind kKind = SeriesKind::Queue;
  static constexpr std::int64_t kVersion = kWatchMemoryVersion;
  static constexpr std::string_view kWords = "what the watch over '";
  static constexpr std::string_view kBeginAnew = "What is learnt of the queues begins anew.";
  static double seen(const Memory& memory) { return static_cast<double>(memory.learnt); }
};

/// The event that a saved text is. Invalid, in words, where it is of another version or none of these.
template <class Restored>
Result<Restored> read_learnt(const SavedMemory& saved, std::int64_t version);

/// Sees to it that what has been learnt of queues or of functions is in the history database, and gives it
/// back: of a few a second, of each when it has seen twice as much as it had when it was written last, or ten
/// minutes later. docs/decisions/0012-shadow-kept-across-restarts.md
template <class Restored>
class LearntKeeper {
 public:
  using Subject = typename LearntOf<Restored>::Subject;
  using Memory = typename LearntOf<Restored>::Memory;

  /// Those that may have learnt something.
  struct Subjects {
    std::function<std::optional<Subject>(std::string_view name)> find;
    /// Calls `take` in the order of names, from the first after `after`, until it returns false.
    using Take = std::function<bool(const std::string& name, Subject)>;
    std::function<void(std::string_view after, const Take& take)> visit;
  };
  using Learnt = std::function<std::optional<Memory>(Subject)>;

  LearntKeeper(Subjects subjects, Learnt learnt)
      : subjects_(std::move(subjects)), learnt_(std::move(learnt)) {}

  /// The events that give back what was saved. What cannot be read is left out, and said.
  std::vector<Restored> restored(const std::vector<SavedMemory>& saved, TimePoint now,
                                 const std::function<void(const std::string&)>& warn);

  struct Due {
    std::string name;
    Memory memory;
  };
  /// What is due to be written, of those whose turn it is; about once a second.
  std::vector<Due> take(TimePoint now);
  /// All that has changed since it was written: the server ends.
  std::vector<Due> take_all(TimePoint now);
  /// As they are written; for the history's thread.
  static std::vector<SavedMemory> text_of(const std::vector<Due>& due, TimePoint now);

 private:
  struct Written {
    TimePoint at;
    double seen = 0;
  };
  void look(const std::string& name, Subject subject, TimePoint now, bool last, std::vector<Due>& due);

  Subjects subjects_;
  Learnt learnt_;
  std::string looked_at_;  ///< whose turn it was last
  std::map<Subject, Written> written_;
};

/// All that the history has of it, as events; waits for it, and so only before anything else is asked of it.
template <class Restored>
std::vector<Restored> recall_learnt(HistoryKeeper& history, LearntKeeper<Restored>& keeper, TimePoint now,
                                    const std::function<void(const std::string&)>& warn);
/// Has written what is due, or, `last`, all that is not.
template <class Restored>
void keep_learnt(HistoryKeeper& history, LearntKeeper<Restored>& keeper, TimePoint now, bool last);

LearntKeeper<QueueRestored>::Subjects subjects_of(const QueueDirectory& queues);
LearntKeeper<FunctionRestored>::Subjects subjects_of(const FunctionDirectory& functions);

}  // namespace forewarm
