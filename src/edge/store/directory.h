#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "base/result.h"

namespace forewarm {

/// The store's directory, held against a second server for as long as this object lives.
///
/// The lock is flock(2) on a file of its own: the kernel drops it when the process dies, however it dies, and
/// it does not meet the locks that SQLite takes on the database.
class StoreDirectory {
 public:
  /// Creates the directory if it is missing. Conflict, with the other server's process id, if it is in use.
  static Result<StoreDirectory> open(const std::string& path);
  ~StoreDirectory();
  StoreDirectory(StoreDirectory&& other) noexcept;
  StoreDirectory& operator=(StoreDirectory&&) = delete;

  const std::string& path() const { return path_; }
  std::string file(const char* name) const { return path_ + "/" + name; }

 private:
  explicit StoreDirectory(std::string path) : path_(std::move(path)) {}
  Result<void> lock();

  std::string path_;
  int lock_ = -1;
};

/// The number of the last commit that was synced, in a small file beside the database.
///
/// A journal whose last commits are damaged or gone looks like one that ended before them. The mark is
/// written after each sync, so a journal that ends before the mark has lost acknowledged commits. It is not
/// synced itself: after a power cut it may be older, never newer, than what is on disk.
class SyncedMark {
 public:
  static Result<SyncedMark> open(const std::string& path);
  ~SyncedMark();
  SyncedMark(SyncedMark&& other) noexcept;
  SyncedMark& operator=(SyncedMark&&) = delete;

  /// What the file says; none in a new file. Corrupt if it is not what write() wrote.
  Result<std::optional<std::uint64_t>> read() const;
  /// One overwrite in place, about a microsecond. A failure only weakens the check, so it is not reported.
  void write(std::uint64_t commits);

 private:
  SyncedMark(std::string path, int file) : path_(std::move(path)), file_(file) {}

  std::string path_;
  int file_ = -1;
};

}  // namespace forewarm
