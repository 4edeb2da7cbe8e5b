#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace forewarm {

// The bytes of a journal, as docs/formats/store.md describes them. All numbers are little-endian.

/// What begins a slot, a file that is written from the front and used again once all in it is settled. The
/// salt is new each time, so that entries of the time before are told apart.
struct SlotHeader {
  std::uint64_t sequence = 0;  ///< slots follow one another in the order of these
  std::uint64_t salt = 0;
};
inline constexpr std::size_t kSlotHeaderBytes = 32;
/// Entries begin here: no write of theirs touches the header's sector.
inline constexpr std::uint64_t kEntriesFrom = 4096;

std::string slot_header_bytes(const SlotHeader& header);
/// None if these are not the first bytes of a slot.
std::optional<SlotHeader> read_slot_header(std::string_view bytes);

/// One commit: everything in it, or nothing.
struct JournalEntry {
  std::uint64_t commit = 0;  ///< number of the commit; they follow one another without a gap
  std::uint64_t synced = 0;  ///< the last commit that was synced when this one was written
  std::string_view body;
  std::size_t bytes = 0;  ///< in the file
};
inline constexpr std::size_t kEntryHeaderBytes = 32;
inline constexpr std::size_t kEntryAlignment = 8;

/// `entry` is room for a header, then the body: fills the header in and rounds the size up.
void seal_entry(std::string& entry, std::uint64_t commit, std::uint64_t synced, std::uint64_t salt);
/// The bytes in the file of the entry that begins so, whether it is whole or not. None if `header` is shorter
/// than one, or none.
std::optional<std::uint64_t> entry_size(std::string_view header);
/// The entry that `bytes` begins with. None if it is not whole, or not of the slot with this salt.
std::optional<JournalEntry> read_entry(std::string_view bytes, std::uint64_t salt);

}  // namespace forewarm
