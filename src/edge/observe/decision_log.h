#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "core/model/action.h"
#include "core/model/event.h"
#include "edge/observe/decision_record.h"
#include "edge/observe/names.h"

namespace forewarm {

/// Which decisions are asked for.
struct DecisionQuery {
  std::string queue = {};  ///< empty: all
  TimePoint from = {};     ///< this and later
  TimePoint to = kNever;   ///< before this
  std::optional<DecisionKind> kind = {};
  std::size_t limit = 100;  ///< the newest that match

  bool matches(const DecisionRecord& record) const;
};

/// What the core decided and why, read off its stream: the newest of each queue in memory, all in files.
///
/// A plan is recorded when it differs from the one before (or after ten minutes), starts and stops of one
/// step and reason together, and at most some retries a second one by one, so that a storm of failures costs
/// bytes in proportion to what can be learnt from it. All calls on one thread.
class DecisionLog {
 public:
  struct Options {
    std::string directory = {};        ///< of the files; empty: memory only
    std::size_t records_max = 50'000;  ///< in memory, over all queues
    std::size_t records_per_queue_max = 500;
    std::uint32_t retries_per_second = 20;  ///< a queue's, recorded one by one; the others are counted
    std::uint64_t file_bytes = 8ULL << 20;
    std::uint64_t total_bytes = 128ULL << 20;
  };
  /// `names` must outlive this.
  DecisionLog(Options options, const Names& names);
  ~DecisionLog();  ///< flushes

  void observe(const TimedEvent& event, const Actions& actions);
  /// A decision that no event of the core led to.
  void record(QueueId queue, DecisionRecord record);
  /// Writes what is buffered; to be called about once a second. Returns an error of the disk, and its end,
  /// once.
  std::optional<std::string> flush();
  std::uint64_t lines_lost() const;

  /// Oldest first.
  std::vector<DecisionRecord> query(const DecisionQuery& query) const;

 private:
  class State;
  std::unique_ptr<State> state_;
};

/// The same from the files of a server that need not run. `unread` gets the number of damaged lines.
Result<std::vector<DecisionRecord>> read_decisions(const std::string& directory, const DecisionQuery& query,
                                                   std::uint64_t* unread = nullptr);

/// A JSON array of the records, each with its "explanation".
std::string decisions_json(const std::vector<DecisionRecord>& records);
/// For a terminal: time and sentence of each record, oldest first, or a line that says that there are none.
std::string decisions_text(const std::vector<DecisionRecord>& records, std::string_view queue);

}  // namespace forewarm
