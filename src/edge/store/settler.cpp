#include "edge/store/settler.h"

#include <sqlite3.h>

#include <algorithm>
#include <utility>

#include "edge/journal/reader.h"
#include "edge/store/settling.h"

namespace forewarm {

using sqlite::Code;
using sqlite::kOk;

Settler::Settler(const SettleBounds& bounds, JournalDisk& disk, std::string prefix, std::string path,
                 sqlite::Connection database, const StoreState& state, Warn warn)
    : bounds_(bounds),
      disk_(disk),
      prefix_(std::move(prefix)),
      path_(std::move(path)),
      database_(std::move(database)),
      tables_(database_, state),
      warn_(std::move(warn)),
      settled_(state.commits),
      synced_(state.commits),
      settled_at_(Clock::now()) {}

void Settler::start(Journal& journal) {
  sqlite3_busy_timeout(database_.handle(), bounds_.busy_wait_ms);
  journal_ = &journal;
  thread_ = std::thread([this] { run(); });
}

void Settler::stop(bool leave_rest) {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  if (thread_.joinable()) thread_.join();
  if (!journal_) return;
  if (leave_rest || sync_failed() || !settle(kWholeStretch)) database_.forbid_checkpoint_on_close();
  journal_ = nullptr;
}

void Settler::committed(std::uint64_t synced) {
  synced_ = synced;
  const std::uint64_t unsettled = journal_->unsettled_bytes();
  if (unsettled < bounds_.bytes && !journal_->wants_slot()) return;
  std::unique_lock lock(mutex_);
  wake_.notify_one();
  if (unsettled < bounds_.bytes_max) return;
  room_.wait(lock, [this] { return obstacle_ || journal_->unsettled_bytes() < bounds_.bytes_max; });
}

std::optional<Error> Settler::obstacle() {
  const std::lock_guard lock(mutex_);
  return obstacle_;
}

bool Settler::sync_failed() {
  const std::lock_guard lock(mutex_);
  return sync_failed_ || (journal_ && journal_->sync_failed());
}

void Settler::run() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    if (!is_due()) {
      // Nobody wakes it for what is due by the clock alone.
      wake_.wait_for(lock, std::min(bounds_.at_least_every, bounds_.again_after));
      continue;
    }
    lock.unlock();
    note(work());
    lock.lock();
  }
}

bool Settler::is_due() const {
  if (obstacle_ && Clock::now() - tried_ < bounds_.again_after) return false;
  return journal_->wants_slot() || is_settling_due();
}

bool Settler::is_settling_due() const {
  const std::uint64_t unsettled = journal_->unsettled_bytes();
  return unsettled >= bounds_.bytes ||
         (unsettled > 0 && Clock::now() - settled_at_ >= bounds_.at_least_every);
}

Result<void> Settler::work() {
  if (sync_failed()) return error(ErrorCode::Io, "a sync failed");
  if (journal_->wants_slot()) {
    if (auto made = journal_->make_slot(); !made) return made;
  }
  if (!is_settling_due()) return {};
  const bool many = journal_->unsettled_bytes() >= bounds_.bytes;
  return settle(many ? bounds_.bytes / 2 : kWholeStretch);
}

Result<void> Settler::settle(std::uint64_t bytes_max) {
  const std::uint64_t last = journal_->position().commit;
  if (last == settled_) return {};
  auto reader = JournalReader::open(disk_, prefix_, settled_);
  if (!reader) return std::unexpected(reader.error());
  Settling settling(tables_, path_);
  const auto stretch = settling.run(*reader, {.up_to = last, .bytes_max = bytes_max, .foreseen_to = synced_});
  if (!stretch) {
    note(settling.sync_failed());
    return std::unexpected(stretch.error());
  }
  settled_ = stretch->commit;
  settled_bytes_ += stretch->bytes;
  journal_->release({.commit = stretch->commit, .bytes = settled_bytes_});
  if (stretch->commit < last && stretch->bytes < bytes_max) {
    return error(ErrorCode::Corrupt, prefix_ + "* is damaged: commit " + std::to_string(stretch->commit + 1) +
                                         " cannot be read. Stop the server and see forewarm doctor.");
  }
  settled_at_ = Clock::now();
  return copy_log();
}

Result<void> Settler::copy_log() {
  // Somebody who reads the database holds the log's end up; the next time copies it too.
  sqlite3_busy_timeout(database_.handle(), 0);
  const Code code =
      sqlite3_wal_checkpoint_v2(database_.handle(), nullptr, SQLITE_CHECKPOINT_RESTART, nullptr, nullptr);
  sqlite3_busy_timeout(database_.handle(), bounds_.busy_wait_ms);
  note(sqlite::sync_failed(code));
  if (code == kOk || (code & 0xff) == SQLITE_BUSY || (code & 0xff) == SQLITE_LOCKED) return {};
  return std::unexpected(sqlite::to_error(code, "writing to", path_));
}

void Settler::note(const Result<void>& result) {
  bool begins = false;
  {
    const std::lock_guard lock(mutex_);
    begins = !result && !obstacle_;
    obstacle_ = result ? std::nullopt : std::optional<Error>(result.error());
    tried_ = Clock::now();
  }
  room_.notify_one();
  if (begins && warn_) {
    warn_("what is in the journal cannot be settled: " + result.error().message +
          " Nothing is lost, and it is tried again; messages are refused when the journal is full.");
  }
}

void Settler::note(bool sync_failed) {
  if (!sync_failed) return;
  const std::lock_guard lock(mutex_);
  sync_failed_ = true;
}

}  // namespace forewarm
