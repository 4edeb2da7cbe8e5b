#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "base/check.h"
#include "base/random.h"

namespace forewarm {

/// Map from an id to a value: open addressing over a pool of values that never move.
///
/// The standard hash table rehashes all at once (tens of milliseconds at a million entries) and invites
/// iteration in an order that differs between libraries. This one moves a few slots at each insertion, so
/// that no single insertion is long, and cannot be iterated. Pointers stay valid until their entry is erased.
/// Not thread-safe.
template <class Key, class Value>
class IdMap {
 public:
  IdMap() { table_.resize(kSlotsMin); }

  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }

  Value* find(Key key) {
    const Slot* slot = locate(key);
    return slot ? &at(slot->entry).value : nullptr;
  }
  const Value* find(Key key) const { return const_cast<IdMap*>(this)->find(key); }
  bool contains(Key key) const { return find(key) != nullptr; }

  /// Adds an entry; the key must not be there yet.
  Value& insert(Key key, Value value) {
    check(!contains(key), "an id is inserted once");
    grow_a_little();
    const std::uint32_t entry = take_entry();
    at(entry).key = key;
    at(entry).value = std::move(value);
    place(table_, key, entry);
    ++size_;
    return at(entry).value;
  }

  bool erase(Key key) {
    for (auto* table : {&table_, &old_}) {
      const std::size_t index = index_in(*table, key);
      if (index == kNotFound) continue;
      const std::uint32_t entry = (*table)[index].entry;
      at(entry).value = Value{};
      free_.push_back(entry);
      close_gap(*table, index);
      --size_;
      return true;
    }
    return false;
  }

 private:
  struct Entry {
    Key key{};
    Value value{};
  };
  struct Slot {
    std::uint32_t tag = 0;  ///< high hash bits, never 0 where the slot is taken
    std::uint32_t entry = 0;
  };
  using Table = std::vector<Slot>;

  static constexpr std::size_t kSlotsMin = 16;
  static constexpr std::size_t kBlock = 256;
  static constexpr std::size_t kMovedPerInsert = 8;  // the old table is empty long before the new one is full
  static constexpr std::size_t kNotFound = ~std::size_t{0};

  static std::uint64_t hash(Key key) {
    return mix_bits(static_cast<std::uint64_t>(key.value()) + 0x9e3779b97f4a7c15ULL);
  }
  static std::uint32_t tag(std::uint64_t hash) { return static_cast<std::uint32_t>(hash >> 32) | 1U; }

  Entry& at(std::uint32_t entry) { return blocks_[entry / kBlock][entry % kBlock]; }

  std::size_t index_in(const Table& table, Key key) {
    if (table.empty()) return kNotFound;
    const std::uint64_t h = hash(key);
    const std::size_t mask = table.size() - 1;
    for (std::size_t i = h & mask;; i = (i + 1) & mask) {
      if (table[i].tag == 0) return kNotFound;
      if (table[i].tag == tag(h) && at(table[i].entry).key == key) return i;
    }
  }

  const Slot* locate(Key key) {
    std::size_t index = index_in(table_, key);
    if (index != kNotFound) return &table_[index];
    index = index_in(old_, key);
    return index == kNotFound ? nullptr : &old_[index];
  }

  void place(Table& table, Key key, std::uint32_t entry) {
    const std::uint64_t h = hash(key);
    const std::size_t mask = table.size() - 1;
    std::size_t i = h & mask;
    while (table[i].tag != 0) i = (i + 1) & mask;
    table[i] = {tag(h), entry};
  }

  /// Backward-shift deletion: later entries of the probe run move up, so no tombstones pile up.
  void close_gap(Table& table, std::size_t gap) {
    const std::size_t mask = table.size() - 1;
    for (std::size_t i = (gap + 1) & mask; table[i].tag != 0; i = (i + 1) & mask) {
      const std::size_t home = hash(at(table[i].entry).key) & mask;
      if (((i - home) & mask) >= ((i - gap) & mask)) {
        table[gap] = table[i];
        gap = i;
      }
    }
    table[gap] = {};
  }

  void grow_a_little() {
    if (old_.empty() && (size_ + 1) * 2 > table_.size()) {
      old_ = std::move(table_);
      table_ = Table(old_.size() * 4);
      move_next_ = 0;
    }
    for (std::size_t n = 0; n < kMovedPerInsert && !old_.empty(); ++n) move_one();
  }

  /// Moves the first run that is left. A slot is closed by backward shift, so lookups in the old table stay
  /// right.
  void move_one() {
    while (move_next_ < old_.size() && old_[move_next_].tag == 0) ++move_next_;
    if (move_next_ == old_.size()) {
      // A wrapped run may have shifted an entry behind the cursor.
      for (std::size_t i = 0; i < old_.size(); ++i) {
        if (old_[i].tag != 0) {
          move_next_ = i;
          return;
        }
      }
      old_ = Table();
      return;
    }
    const std::uint32_t entry = old_[move_next_].entry;
    place(table_, at(entry).key, entry);
    close_gap(old_, move_next_);
  }

  std::uint32_t take_entry() {
    if (free_.empty()) {
      const auto first = static_cast<std::uint32_t>(blocks_.size() * kBlock);
      blocks_.push_back(std::make_unique<Entry[]>(kBlock));
      for (std::uint32_t i = kBlock; i > 0; --i) free_.push_back(first + i - 1);
    }
    const std::uint32_t entry = free_.back();
    free_.pop_back();
    return entry;
  }

  Table table_;
  Table old_;  ///< being emptied into table_ after a growth
  std::size_t move_next_ = 0;
  std::size_t size_ = 0;
  std::vector<std::unique_ptr<Entry[]>> blocks_;
  std::vector<std::uint32_t> free_;
};

}  // namespace forewarm
