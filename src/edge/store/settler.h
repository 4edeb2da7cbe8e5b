#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "base/result.h"
#include "edge/journal/journal.h"
#include "edge/sqlite/sqlite.h"
#include "edge/store/format.h"
#include "edge/store/tables.h"

namespace forewarm {

/// How long a connection waits for another program that writes to the database (a person with sqlite3).
inline constexpr int kBusyWaitMs = 5000;

/// When the journal is settled into the database.
struct SettleBounds {
  Journal::Bounds journal;
  /// Of entries that are not settled: here the older half of them is, and what the other half removes is
  /// known by then, so that a message only reaches the database if it stays.
  std::uint64_t bytes = std::uint64_t{32} << 20;
  std::uint64_t bytes_max = std::uint64_t{64} << 20;  ///< here the writer waits
  std::chrono::milliseconds at_least_every{30'000};   ///< so that messages.db is not far behind
  std::chrono::milliseconds again_after{1000};        ///< what has failed, unless it was a sync
  int busy_wait_ms = kBusyWaitMs;
};

/// Settles the journal on a thread and connection of its own, off the write path, and makes its slots.
class Settler {
 public:
  using Warn = std::function<void(const std::string& problem)>;
  /// `prefix` is the journal's, `path` the database's.
  Settler(const SettleBounds& bounds, JournalDisk& disk, std::string prefix, std::string path,
          sqlite::Connection database, const StoreState& state, Warn warn);
  ~Settler() { stop(true); }

  sqlite::Code prepare() { return tables_.prepare(); }
  void start(Journal& journal);
  /// Settles the rest, unless it is to be left in the journal.
  void stop(bool leave_rest);

  // The writer's thread.

  /// After each commit; `synced` is the last one that is on disk and known to be (SyncedMark). Waits where
  /// the journal holds all that it may, and settling it goes on.
  void committed(std::uint64_t synced);
  /// Why settling does not go on, if it does not.
  std::optional<Error> obstacle();
  bool sync_failed();

  /// Commits up to this are in the database. Any thread.
  const std::atomic<std::uint64_t>& settled() const { return settled_; }

 private:
  using Clock = std::chrono::steady_clock;

  void run();
  bool is_due() const;
  bool is_settling_due() const;
  Result<void> work();
  Result<void> settle(std::uint64_t bytes_max);
  Result<void> copy_log();
  void note(bool sync_failed);
  void note(const Result<void>& result);

  SettleBounds bounds_;
  JournalDisk& disk_;
  std::string prefix_;
  std::string path_;
  sqlite::Connection database_;
  Tables tables_;
  Warn warn_;
  Journal* journal_ = nullptr;
  std::uint64_t settled_bytes_ = 0;
  std::atomic<std::uint64_t> settled_;
  std::atomic<std::uint64_t> synced_;

  std::mutex mutex_;
  std::condition_variable wake_;
  std::condition_variable room_;
  bool stopping_ = false;
  bool sync_failed_ = false;
  std::optional<Error> obstacle_;
  Clock::time_point tried_;
  Clock::time_point settled_at_;
  std::thread thread_;
};

}  // namespace forewarm
