#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "edge/history/history_database.h"
#include "edge/net/loop.h"

namespace forewarm {

/// The history database of a running server, on a thread of its own: neither a slow disk nor a lock that
/// another program holds, nor a shared database that hangs, can delay a message. What cannot be written is
/// left out, said once, and is a gap.
class HistoryKeeper {
 public:
  struct Options {
    std::string directory;
    std::optional<HistoryDatabase::Shared> shared{};  ///< instead of the directory's
    std::vector<HistoryDatabase::Tier> tiers;
    Duration restored = 24h;                       ///< how much of the past is given back
    std::function<void(const std::string&)> warn;  ///< on the loop's thread
  };
  /// A damaged database is moved aside and a new one begun: messages can be served without a past.
  static Result<std::unique_ptr<HistoryKeeper>> open(Loop& loop, Options options);
  ~HistoryKeeper();  ///< writes what was given; to a shared database for a few seconds at most

  /// What all queues had before `now`. Only before the first write(); blocks.
  Result<std::vector<RecentQueue>> recent(TimePoint now);
  void write(HistoryBatch batch);
  /// Something to read at once, as recent().
  using Job = std::function<Result<void>(HistoryDatabase&)>;
  Result<void> now(const Job& job) { return job(*database_); }
  /// What one queue had before `now`, later, on the loop's thread; no call if it had nothing.
  void bring_back(std::string queue, TimePoint now, std::function<void(RecentQueue)> done);

  /// Something else to read or to write, on the keeper's thread. False when too many jobs wait: it will not
  /// be done.
  bool give(Job job) { return take(std::move(job), false); }
  /// The same, before all that waits; its errors are the job's own to tell.
  bool give_first(Job job) { return take(std::move(job), true); }

  static constexpr std::size_t kJobsMax = 20'000;

 private:
  HistoryKeeper(Loop& loop, Options options, std::unique_ptr<HistoryDatabase> database,
                std::stop_source give_up);
  bool take(Job job, bool first);
  void run();
  void warn(std::string text);

  Loop& loop_;
  Options options_;
  std::unique_ptr<HistoryDatabase> database_;
  std::stop_source give_up_;
  std::mutex mutex_;
  std::condition_variable wake_, ended_;
  struct Given {
    Job job;
    bool first = false;
  };
  std::deque<Given> jobs_;
  bool stopping_ = false;
  bool idle_ = true;
  bool full_ = false;     ///< loop's thread: too many jobs wait, and that was said
  bool failing_ = false;  ///< keeper's thread: the last job failed, and that was said
  TimePoint thinned_;     ///< keeper's thread: of the last thinning
  std::thread thread_;
};

}  // namespace forewarm
