#include "edge/journal/journal.h"

#include <unistd.h>

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "edge/journal/reader.h"

namespace forewarm {
namespace {

/// Slots are allocated in steps of this, each synced, so that a commit never waits for a whole one to be
/// written.
constexpr std::uint64_t kAllocationStep = std::uint64_t{256} << 10;
/// On a disk with less free space than so many slots, nothing is allocated ahead.
constexpr std::uint64_t kSlotsInFreeSpace = 16;

std::uint64_t fresh_salt() {
  std::uint64_t salt = 0;
  check(::getentropy(&salt, sizeof(salt)) == 0, "the system gives random numbers");
  return salt;
}

}  // namespace

Result<std::unique_ptr<Journal>> Journal::open(JournalDisk& disk, const std::string& prefix,
                                               const Bounds& bounds, std::uint64_t settled) {
  std::unique_ptr<Journal> journal(new Journal(disk, prefix, bounds, settled));
  if (auto found = journal->find_slots(); !found) return std::unexpected(found.error());
  Slot first;
  if (journal->free_.empty()) {
    first.index = journal->slots_++;
  } else {
    first = std::move(journal->free_.front());
    journal->free_.erase(journal->free_.begin());
  }
  if (auto begun = journal->begin_slot(first, false); !begun) return std::unexpected(begun.error());
  journal->current_size_ = first.size;
  journal->current_ = std::move(first);
  return journal;
}

Result<void> Journal::find_slots() {
  for (;; ++slots_) {
    auto file = disk_.open(slot_path(prefix_, slots_), false);
    if (!file && file.error().code == ErrorCode::NotFound) return {};
    if (!file) return std::unexpected(file.error());
    std::string bytes(kSlotHeaderBytes, '\0');
    const auto read = (*file)->read(0, bytes);
    if (!read) return std::unexpected(read.error());
    if (const auto header = read_slot_header(bytes)) sequence_ = std::max(sequence_, header->sequence);
    free_.push_back({.index = slots_, .file = std::move(*file)});
  }
}

Result<void> Journal::begin_slot(Slot& slot, bool allocate_it) {
  if (!slot.file) {
    auto file = disk_.open(slot_path(prefix_, slot.index), true);
    if (!file) return std::unexpected(file.error());
    slot.file = std::move(*file);
  }
  const auto size = slot.file->size();
  if (!size) return std::unexpected(size.error());
  slot.size = *size;
  if (slot.size > bounds_.slot_bytes) {
    if (auto cut = slot.file->truncate(bounds_.slot_bytes); !cut) return cut;
    slot.size = bounds_.slot_bytes;
  }
  if (allocate_it && !allocated(slot)) {
    if (auto done = allocate(slot); !done) return done;
  }
  {
    const std::lock_guard lock(mutex_);
    slot.header = {.sequence = ++sequence_, .salt = fresh_salt()};
  }
  std::string header = slot_header_bytes(slot.header);
  header.resize(kEntriesFrom);
  if (auto written = slot.file->write(0, header); !written) return written;
  return synced(*slot.file);
}

Result<void> Journal::allocate(Slot& slot) {
  if (disk_.free_bytes(prefix_) < kSlotsInFreeSpace * bounds_.slot_bytes) return {};
  const std::string zeros(std::min(kAllocationStep, bounds_.slot_bytes), '\0');
  while (!allocated(slot)) {
    const std::uint64_t count = std::min<std::uint64_t>(zeros.size(), bounds_.slot_bytes - slot.size);
    const auto written = slot.file->write(slot.size, std::string_view(zeros).substr(0, count));
    if (!written) {
      // What is left of the disk is for entries.
      [[maybe_unused]] const auto given_back = slot.file->truncate(slot.size);
      return written.error().code == ErrorCode::Exhausted ? Result<void>() : written;
    }
    slot.size += count;
    if (auto done = synced(*slot.file); !done) return done;
  }
  return {};
}

Result<void> Journal::synced(JournalFile& file) {
  auto result = file.sync();
  if (!result) sync_failed_ = true;
  return result;
}

std::string& Journal::next_entry() {
  entry_.assign(kEntryHeaderBytes, '\0');
  return entry_;
}

Result<void> Journal::append(std::uint64_t synced_commit) {
  if (should_roll()) {
    if (auto rolled = roll(); !rolled) return rolled;
  }
  const std::uint64_t commit = position_.commit + 1;
  seal_entry(entry_, commit, synced_commit, current_.header.salt);
  if (auto written = current_.file->write(offset_, entry_); !written) {
    // It may be there whole for all that; whoever was told that it failed must not meet it again.
    [[maybe_unused]] const auto gone = current_.file->write(offset_, std::string(kEntryHeaderBytes, '\0'));
    return written;
  }
  offset_ += entry_.size();
  current_.last = commit;
  unsynced_ = true;
  const std::lock_guard lock(mutex_);
  current_bytes_ = offset_;
  position_ = {.commit = commit, .bytes = position_.bytes + entry_.size()};
  return {};
}

Result<void> Journal::sync() {
  if (!unsynced_) return {};
  if (auto done = synced(*current_.file); !done) return done;
  unsynced_ = false;
  return {};
}

bool Journal::should_roll() {
  const std::lock_guard lock(mutex_);
  if (!ready_) return false;
  return offset_ >= bounds_.slot_bytes || (current_size_ < bounds_.slot_bytes && allocated(*ready_));
}

Result<void> Journal::roll() {
  // A later slot says by being there that this one is complete.
  if (auto done = sync(); !done) return done;
  const std::lock_guard lock(mutex_);
  current_.size = std::max(current_.size, offset_);
  full_.push_back(std::exchange(current_, std::move(*ready_)));
  ready_.reset();
  offset_ = current_bytes_ = kEntriesFrom;
  current_size_ = current_.size;
  return {};
}

bool Journal::wants_slot() {
  const std::lock_guard lock(mutex_);
  const bool grows = current_size_ < bounds_.slot_bytes;
  return !ready_ && current_bytes_ >= (grows ? bounds_.grows_to : bounds_.slot_bytes / 2);
}

Result<void> Journal::make_slot() {
  Slot slot;
  {
    const std::lock_guard lock(mutex_);
    if (free_.empty()) {
      slot.index = slots_++;
    } else {
      slot = std::move(free_.back());
      free_.pop_back();
    }
  }
  auto begun = begin_slot(slot, true);
  const std::lock_guard lock(mutex_);
  if (begun) {
    ready_ = std::move(slot);
  } else {
    free_.push_back(std::move(slot));
  }
  return begun;
}

void Journal::release(const JournalPosition& settled) {
  const std::lock_guard lock(mutex_);
  settled_ = settled;
  while (!full_.empty() && full_.front().last <= settled.commit) {
    free_.push_back(std::move(full_.front()));
    full_.pop_front();
  }
}

JournalPosition Journal::position() {
  const std::lock_guard lock(mutex_);
  return position_;
}

std::uint64_t Journal::unsettled_bytes() {
  const std::lock_guard lock(mutex_);
  return position_.bytes - settled_.bytes;
}

std::uint64_t Journal::file_bytes() {
  const std::lock_guard lock(mutex_);
  std::uint64_t bytes = std::max(current_size_, current_bytes_) + (ready_ ? ready_->size : 0);
  for (const Slot& slot : full_) bytes += slot.size;
  for (const Slot& slot : free_) bytes += slot.size;
  return bytes;
}

}  // namespace forewarm
