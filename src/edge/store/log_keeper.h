#pragma once

#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>

#include "edge/sqlite/sqlite.h"

namespace forewarm {

/// When SQLite's write-ahead log is copied into the database and begun anew; all in pages of 4 KiB.
struct LogBounds {
  int copy_every = 1000;  ///< pages that gather before the copier runs: 4 MB keeps the copies large and rare
  int restart_from = 1000;  ///< below this the log is left to grow: restarting costs two syncs
  int left_to_writer =
      128;  ///< "nearly copied" (or an eighth of the log, if more): what the writer itself copies
  int pages_max = 16'384;  ///< 64 MB: here the writer waits for the copier and copies all that is left
};

/// How long a commit waits for another program that writes to the database (a person with sqlite3).
inline constexpr int kBusyWaitMs = 5000;

/// Copies the log into the database on a thread and connection of its own, off the write path.
///
/// SQLite's own way copies the whole log inside some unlucky commit (20 to 50 ms). A passive checkpoint
/// beside the writer does not hold it up, but never ends while the writer keeps adding pages, so the log
/// would grow for ever: when little is left, the writer copies the rest and begins the log anew.
class LogKeeper {
 public:
  explicit LogKeeper(const LogBounds& bounds) : bounds_(bounds) {}
  ~LogKeeper() { stop(); }

  sqlite::Code start(const std::string& path, const char* vfs);
  /// Waits for a running copy to end. With `keep_log`, nothing is copied when the connection closes either.
  void stop(bool keep_log = false);

  /// The log has this many pages now. Writer's thread, after each commit. True if the log is to be begun anew
  /// now.
  bool grew_to(int pages);
  /// Copies the rest of the log through the writer's connection; the next commit then begins the log anew.
  /// Busy readers are no failure: it is tried again later.
  sqlite::Code restart(sqlite::Connection& writer);
  /// True once a copy met a failed sync.
  bool sync_failed();

 private:
  void run();
  void copy();

  LogBounds bounds_;
  sqlite::Connection connection_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::condition_variable idle_;
  bool stopping_ = false;
  bool wanted_ = false;
  bool copying_ = false;
  bool sync_failed_ = false;
  int pages_ = 0;       ///< in the log at the last commit
  int copied_ = 0;      ///< pages of this log that are in the database
  int asked_at_ = 0;    ///< pages when a copy was last asked for
  int retry_from_ = 0;  ///< pages before which no restart is tried again
  std::thread thread_;
};

}  // namespace forewarm
