#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "edge/journal/disk.h"
#include "edge/journal/entry.h"

namespace forewarm {

/// The path of a journal's n-th file. `prefix` is a path too: DIR/messages.journal-
std::string slot_path(const std::string& prefix, std::size_t index);

/// Commits that follow one another without a gap.
struct CommitRange {
  std::uint64_t first = 0;
  std::uint64_t last = 0;
};

/// Reads the entries of a journal in the order of their commits, across its slots. A journal may be written
/// to meanwhile: what is found is at least what was there when it was opened.
class JournalReader {
 public:
  /// Entries up to the commit `after` are passed over.
  static Result<JournalReader> open(JournalDisk& disk, const std::string& prefix, std::uint64_t after);

  /// The next entry, its body valid until the next call. None at the end: where no whole entry follows, or
  /// one whose number is not the next.
  Result<std::optional<JournalEntry>> next();
  /// The commit of the last entry that next() gave, or `after`.
  std::uint64_t last() const { return last_; }
  /// The bytes of the entries that next() gave.
  std::uint64_t bytes() const { return bytes_; }

  /// After the end: the nearest whole entry that lies beyond it, if any; the next ones then follow it.
  Result<std::optional<JournalEntry>> skip_damage();
  /// After the end: an entry beyond it that knows of a sync after last(), if any. Then the end is not where
  /// the journal ended but damage: a power cut loses or tears entries that were not synced, and leaves none
  /// that knows of their sync.
  Result<std::optional<JournalEntry>> find_damage();

  /// Copies the whole entries at the front of each slot to a journal under another prefix, and says which
  /// commits they are, slot by slot. Copies nothing if `to` is empty. Independent of next().
  ///
  /// A slot that is begun anew meanwhile gives fewer entries; those that are missing are settled by then.
  Result<std::vector<CommitRange>> copy(JournalDisk& disk, const std::string& to);

 private:
  struct Slot {
    SlotHeader header;
    std::unique_ptr<JournalFile> file;
    std::uint64_t size = 0;
  };
  struct Place {
    std::size_t slot = 0;
    std::uint64_t offset = kEntriesFrom;
  };

  explicit JournalReader(std::uint64_t after) : last_(after) {}
  Result<std::optional<JournalEntry>> entry_at(const Place& place);
  Result<std::string_view> bytes_at(const Place& place, std::uint64_t size);
  JournalEntry take(const Place& place, const JournalEntry& entry);

  std::vector<Slot> slots_;
  Place place_;  ///< behind the last entry given
  std::uint64_t last_;
  std::uint64_t bytes_ = 0;

  std::string buffer_;
  Place buffered_;  ///< where buffer_ begins
};

}  // namespace forewarm
