#include "edge/store/log_keeper.h"

#include <sqlite3.h>

#include <algorithm>

namespace forewarm {

using sqlite::Code;
using sqlite::kOk;

Code LogKeeper::start(const std::string& path, const char* vfs) {
  if (const Code code = connection_.open(path, vfs, false); code != kOk) return code;
  // Reading once makes the connection notice that there is a log.
  const Code code = connection_.execute(
      "PRAGMA synchronous = NORMAL; PRAGMA wal_autocheckpoint = 0; PRAGMA cache_size = -256; SELECT one FROM "
      "state");
  if (code != kOk) return code;
  thread_ = std::thread([this] { run(); });
  return kOk;
}

void LogKeeper::stop(bool keep_log) {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  if (thread_.joinable()) thread_.join();
  if (keep_log) connection_.forbid_checkpoint_on_close();
  connection_.close();
}

bool LogKeeper::grew_to(int pages) {
  std::unique_lock lock(mutex_);
  // SQLite begins the log anew by itself when a copy happens to catch up with the writer.
  if (pages < pages_ || copied_ > pages) copied_ = asked_at_ = retry_from_ = 0;
  pages_ = pages;
  // A writer that outruns the copier waits for it here, or the log would have no bound.
  if (pages >= bounds_.pages_max) idle_.wait(lock, [this] { return !copying_ && !wanted_; });
  if (copying_ || wanted_) return false;
  const int left = pages - copied_;
  const int left_to_writer = std::max(bounds_.left_to_writer, pages / 8);
  if (pages >= bounds_.restart_from && pages >= retry_from_ &&
      (left <= left_to_writer || pages >= bounds_.pages_max)) {
    return true;
  }
  // What gathered during a long copy is copied at once: each round is shorter, until little is left.
  if (pages - asked_at_ >= bounds_.copy_every || (copied_ > 0 && left > left_to_writer)) {
    asked_at_ = pages;
    wanted_ = true;
    wake_.notify_one();
  }
  return false;
}

Code LogKeeper::restart(sqlite::Connection& writer) {
  int pages = 0;
  int copied = 0;
  sqlite3_busy_timeout(writer.handle(), 0);
  const Code code =
      sqlite3_wal_checkpoint_v2(writer.handle(), nullptr, SQLITE_CHECKPOINT_RESTART, &pages, &copied);
  sqlite3_busy_timeout(writer.handle(), kBusyWaitMs);
  const std::lock_guard lock(mutex_);
  if (code == kOk) {
    pages_ = copied_ = asked_at_ = retry_from_ = 0;
  } else {
    retry_from_ = pages_ + bounds_.copy_every / 4;
  }
  return (code & 0xff) == SQLITE_BUSY || (code & 0xff) == SQLITE_LOCKED ? kOk : code;
}

bool LogKeeper::sync_failed() {
  const std::lock_guard lock(mutex_);
  return sync_failed_;
}

void LogKeeper::run() {
  std::unique_lock lock(mutex_);
  for (;;) {
    wake_.wait(lock, [this] { return wanted_ || stopping_; });
    if (stopping_) break;
    wanted_ = false;
    copying_ = true;
    lock.unlock();
    copy();
    lock.lock();
    copying_ = false;
    idle_.notify_one();
  }
  wanted_ = false;
}

void LogKeeper::copy() {
  int pages = 0;
  int copied = 0;
  const Code code =
      sqlite3_wal_checkpoint_v2(connection_.handle(), nullptr, SQLITE_CHECKPOINT_PASSIVE, &pages, &copied);
  const std::lock_guard lock(mutex_);
  if (sqlite::sync_failed(code)) sync_failed_ = true;
  // On other failures, a full disk among them, the log keeps everything and the next copy begins where this
  // one did.
  if (code == kOk && copied >= 0) copied_ = copied;
}

}  // namespace forewarm
