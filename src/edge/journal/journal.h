#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "edge/journal/disk.h"
#include "edge/journal/entry.h"

namespace forewarm {

/// Where a journal stands.
struct JournalPosition {
  std::uint64_t commit = 0;  ///< the last one in it
  std::uint64_t bytes = 0;   ///< of all entries since it was opened
};

/// The writing end of a journal: commits one after another in slots, files of one size that are allocated
/// ahead and used again when all in them is settled elsewhere, so that a commit costs one write and one sync
/// of blocks that the file system knows already.
///
/// One thread appends and syncs, another one makes slots ready and gives them back.
class Journal {
 public:
  struct Bounds {
    std::uint64_t slot_bytes = std::uint64_t{16} << 20;
    /// A slot that grows is followed by an allocated one from here on: before, a second file is not worth it.
    std::uint64_t grows_to = std::uint64_t{64} << 10;
  };
  /// Everything up to the commit `settled` is settled, and nothing else is in the files.
  static Result<std::unique_ptr<Journal>> open(JournalDisk& disk, const std::string& prefix,
                                               const Bounds& bounds, std::uint64_t settled);

  // The writer's thread.

  /// Room for the next entry: append its body.
  std::string& next_entry();
  /// Writes next_entry() as the next commit; `synced` is the last one that was synced. After an error it is
  /// not there. Exhausted if the disk is full.
  Result<void> append(std::uint64_t synced);
  /// All that was appended.
  Result<void> sync();

  // The other thread.

  /// True if make_slot() would be of use.
  bool wants_slot();
  Result<void> make_slot();
  /// Slots that end at or before `settled` are free.
  void release(const JournalPosition& settled);

  // Any thread.

  JournalPosition position();
  std::uint64_t unsettled_bytes();
  std::uint64_t file_bytes();
  /// A sync has failed: what lies in the files is not known any more.
  bool sync_failed() const { return sync_failed_; }

 private:
  struct Slot {
    std::size_t index = 0;
    SlotHeader header = {};
    std::unique_ptr<JournalFile> file = nullptr;
    std::uint64_t size = 0;  ///< of the file when it was made ready
    std::uint64_t last = 0;  ///< the last commit in it
  };

  Journal(JournalDisk& disk, std::string prefix, const Bounds& bounds, std::uint64_t settled)
      : disk_(disk), prefix_(std::move(prefix)), bounds_(bounds), position_{.commit = settled} {}

  Result<void> find_slots();
  Result<void> begin_slot(Slot& slot, bool allocate);
  Result<void> allocate(Slot& slot);
  Result<void> synced(JournalFile& file);
  bool should_roll();
  Result<void> roll();
  bool allocated(const Slot& slot) const { return slot.size >= bounds_.slot_bytes; }

  JournalDisk& disk_;
  std::string prefix_;
  Bounds bounds_;

  // The writer's.
  std::string entry_;
  Slot current_;
  std::uint64_t offset_ = kEntriesFrom;
  bool unsynced_ = false;

  std::atomic<bool> sync_failed_{false};
  std::mutex mutex_;
  std::optional<Slot> ready_;
  std::deque<Slot> full_;  ///< behind the current one
  std::vector<Slot> free_;
  std::size_t slots_ = 0;  ///< files there are
  std::uint64_t sequence_ = 0;
  std::uint64_t current_bytes_ = 0;  ///< offset_, for the other thread
  std::uint64_t current_size_ = 0;   ///< current_.size, for the other thread
  JournalPosition position_;
  JournalPosition settled_;
};

}  // namespace forewarm
