#include "edge/journal/entry.h"

#include <xxhash.h>

#include <array>
#include <bit>
#include <cstring>

#include "base/check.h"

namespace forewarm {

static_assert(std::endian::native == std::endian::little, "the journal is written as it lies in memory");

namespace {

constexpr std::uint64_t kSlotMagic = 0x316c6e726a776677ULL;  // "wfwjrnl1"
using SlotWords = std::array<std::uint64_t, 4>;              // magic, sequence, salt, checksum of these
static_assert(sizeof(SlotWords) == kSlotHeaderBytes);

struct EntryHeader {
  std::uint64_t checksum = 0;  ///< of all that follows it, body included, seeded with the slot's salt
  std::uint64_t commit = 0;
  std::uint64_t synced = 0;
  std::uint64_t body_bytes = 0;
};
static_assert(sizeof(EntryHeader) == kEntryHeaderBytes);

std::uint64_t slot_checksum(const SlotWords& words) {
  return XXH3_64bits(words.data(), 3 * sizeof(std::uint64_t));
}

std::uint64_t entry_checksum(std::string_view entry, std::uint64_t salt) {
  entry.remove_prefix(sizeof(EntryHeader::checksum));
  return XXH3_64bits_withSeed(entry.data(), entry.size(), salt);
}

std::uint64_t rounded_up(std::uint64_t bytes) {
  return (bytes + kEntryAlignment - 1) / kEntryAlignment * kEntryAlignment;
}

}  // namespace

std::string slot_header_bytes(const SlotHeader& header) {
  SlotWords words{kSlotMagic, header.sequence, header.salt, 0};
  words.back() = slot_checksum(words);
  std::string bytes(sizeof(words), '\0');
  std::memcpy(bytes.data(), words.data(), sizeof(words));
  return bytes;
}

std::optional<SlotHeader> read_slot_header(std::string_view bytes) {
  SlotWords words{};
  if (bytes.size() < sizeof(words)) return std::nullopt;
  std::memcpy(words.data(), bytes.data(), sizeof(words));
  if (words[0] != kSlotMagic || words[3] != slot_checksum(words)) return std::nullopt;
  return SlotHeader{.sequence = words[1], .salt = words[2]};
}

void seal_entry(std::string& entry, std::uint64_t commit, std::uint64_t synced, std::uint64_t salt) {
  check(entry.size() >= kEntryHeaderBytes, "an entry begins with room for its header");
  EntryHeader header{.commit = commit, .synced = synced, .body_bytes = entry.size() - kEntryHeaderBytes};
  std::memcpy(entry.data(), &header, sizeof(header));
  header.checksum = entry_checksum(entry, salt);
  std::memcpy(entry.data(), &header.checksum, sizeof(header.checksum));
  entry.resize(rounded_up(entry.size()));
}

std::optional<std::uint64_t> entry_size(std::string_view header) {
  if (header.size() < kEntryHeaderBytes) return std::nullopt;
  EntryHeader found;
  std::memcpy(&found, header.data(), sizeof found);
  // No entry is as large as memory; what claims to be one is something else.
  if (found.commit == 0 || found.synced >= found.commit || found.body_bytes >= std::uint64_t{1} << 40)
    return std::nullopt;
  return rounded_up(kEntryHeaderBytes + found.body_bytes);
}

std::optional<JournalEntry> read_entry(std::string_view bytes, std::uint64_t salt) {
  const auto size = entry_size(bytes);
  if (!size || *size > bytes.size()) return std::nullopt;
  EntryHeader header;
  std::memcpy(&header, bytes.data(), sizeof(header));
  const std::string_view entry = bytes.substr(0, kEntryHeaderBytes + header.body_bytes);
  if (header.checksum != entry_checksum(entry, salt)) return std::nullopt;
  return JournalEntry{.commit = header.commit,
                      .synced = header.synced,
                      .body = entry.substr(kEntryHeaderBytes),
                      .bytes = *size};
}

}  // namespace forewarm
