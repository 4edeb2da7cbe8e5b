#pragma once

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/random.h"
#include "edge/journal/disk.h"

namespace forewarm {

/// The names of the files in a folder that hold messages: what a copy needs, but for messages.synced.
inline std::vector<std::string> store_files(const std::string& directory) {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(directory)) {
    const std::string name = entry.path().filename().string();
    if (name == "messages.db" || name == "messages.db-wal" || name.starts_with("messages.journal-"))
      names.push_back(name);
  }
  std::ranges::sort(names);
  return names;
}

/// A file layer for SQLite and the journal that fails on request and knows what a power cut would leave. For
/// tests.
///
/// It passes everything on to the system's own, but a sync only notes what is durable from then on: the real
/// one would cost most of a test's time. Names are durable once their folder is synced: the program's own
/// fsync(2) of folders is watched for that, whoever calls it. Locks and shared memory are the system's and
/// are not part of a crash image.
class FaultVfs {
 public:
  enum class Fault : std::uint8_t { None, WriteError, DiskFull, ShortWrite, SyncError, ReadError };
  /// Bytes of each file after a crash, by file name.
  using Image = std::map<std::string, std::string>;
  /// What a crash does to writes that were not synced.
  enum class Loss : std::uint8_t {
    None,      ///< the process dies, the kernel lives: every write is kept
    Anything,  ///< each write is kept, dropped, or torn between sectors, each name that is new or gone is so
               ///< or as it was, independently of the others
  };

  explicit FaultVfs(std::string name);
  ~FaultVfs();
  FaultVfs(const FaultVfs&) = delete;
  FaultVfs& operator=(const FaultVfs&) = delete;

  const char* name() const { return name_.c_str(); }
  JournalDisk& disk() { return *disk_; }

  /// The `nth` operation of the fault's kind from now on fails, and so do the `length - 1` after it.
  void arm(Fault fault, std::uint64_t nth, std::uint64_t length = 1);
  void disarm() { arm(Fault::None, 0); }
  bool has_failed();

  /// Takes what is in the files now for durable, and keeps account from here on.
  void observe(const std::string& directory);
  /// Called on the thread that writes or syncs, before each write, truncation and sync of an observed file,
  /// and each sync of its folder.
  void at_each_step(std::function<void()> step) { step_ = std::move(step); }
  Image crash_image(Loss loss, Random& random);

  // For the file methods.
  enum class Operation : std::uint8_t { Reading, Writing, Truncating, Syncing };
  Fault next(Operation operation);
  void wrote(const std::string& path, std::int64_t offset, const char* bytes, std::size_t size);
  void truncated(const std::string& path, std::int64_t size);
  /// True if the sync succeeds. As in Linux, a failed one makes later reads give what was there before, and
  /// is told once to every open file: `failures_seen` is what this one knows of.
  bool sync(const std::string& path, std::uint64_t& failures_seen);
  std::uint64_t failures(const std::string& path);
  /// About to be made, if it is not there: a power cut may lose its name until its folder is synced.
  void making(const std::string& path);
  void removed(const std::string& path);
  void folder_synced(const std::string& folder);
  void step(const std::string& path);

 private:
  struct Change {
    std::int64_t offset = 0;
    std::string bytes;
    bool truncates = false;  ///< to `offset`
  };
  struct File {
    std::string durable;
    std::vector<Change> changes;  ///< since the last sync
    std::uint64_t failures = 0;   ///< of syncs
    bool name_durable = true;     ///< false: a power cut may leave no such file
  };

  bool observed(const std::string& path) const;
  static void drop_unsynced(const std::string& path, File& file);
  static void apply(const Change& change, std::string& bytes);
  static void apply_torn(const Change& change, std::string& bytes, Random& random);
  static std::string after_crash(const File& file, Loss loss, Random& random);

  std::string name_;
  std::unique_ptr<JournalDisk> disk_;
  std::mutex mutex_;
  Fault fault_ = Fault::None;
  std::uint64_t left_ = 0;    ///< operations until the fault
  std::uint64_t length_ = 0;  ///< operations that fail from then on
  bool failed_ = false;
  std::string directory_;
  std::map<std::string, File> files_;
  std::map<std::string, File> gone_;  ///< removed, which the folder does not say durably yet
  std::function<void()> step_;
};

}  // namespace forewarm
