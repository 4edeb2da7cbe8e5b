#include "edge/journal/reader.h"

#include <algorithm>
#include <utility>

namespace forewarm {
namespace {

constexpr std::uint64_t kReadAhead = std::uint64_t{1} << 20;

Result<std::optional<SlotHeader>> header_of(const JournalFile& file) {
  std::string bytes(kSlotHeaderBytes, '\0');
  const auto size = file.read(0, bytes);
  if (!size) return std::unexpected(size.error());
  return read_slot_header(std::string_view(bytes).substr(0, *size));
}

}  // namespace

std::string slot_path(const std::string& prefix, std::size_t index) {
  return prefix + std::to_string(index);
}

Result<JournalReader> JournalReader::open(JournalDisk& disk, const std::string& prefix, std::uint64_t after) {
  JournalReader reader(after);
  for (std::size_t index = 0;; ++index) {
    auto file = disk.open(slot_path(prefix, index), false);
    if (!file && file.error().code == ErrorCode::NotFound) break;
    if (!file) return std::unexpected(file.error());
    const auto header = header_of(**file);
    if (!header) return std::unexpected(header.error());
    // A slot that was being begun when the power went holds nothing yet.
    if (!*header) continue;
    const auto size = (*file)->size();
    if (!size) return std::unexpected(size.error());
    reader.slots_.push_back({**header, std::move(*file), *size});
  }
  std::ranges::sort(reader.slots_, {}, [](const Slot& slot) { return slot.header.sequence; });
  return reader;
}

Result<std::optional<JournalEntry>> JournalReader::next() {
  Place place = place_;
  while (place.slot < slots_.size()) {
    const auto entry = entry_at(place);
    if (!entry) return entry;
    if (!*entry) {
      place = {.slot = place.slot + 1};
    } else if ((*entry)->commit <= last_) {
      place.offset += (*entry)->bytes;
    } else if ((*entry)->commit == last_ + 1) {
      return take(place, **entry);
    } else {
      break;
    }
  }
  return std::nullopt;
}

Result<std::optional<JournalEntry>> JournalReader::skip_damage() {
  for (Place place = place_; place.slot < slots_.size(); place = {.slot = place.slot + 1}) {
    for (; place.offset + kEntryHeaderBytes <= slots_[place.slot].size; place.offset += kEntryAlignment) {
      const auto entry = entry_at(place);
      if (!entry) return entry;
      if (*entry && (*entry)->commit > last_) return take(place, **entry);
    }
  }
  return std::nullopt;
}

Result<std::optional<JournalEntry>> JournalReader::find_damage() {
  const std::uint64_t end = last_;
  for (;;) {
    auto entry = skip_damage();
    if (!entry || !*entry || (*entry)->synced > end) return entry;
  }
}

JournalEntry JournalReader::take(const Place& place, const JournalEntry& entry) {
  place_ = {.slot = place.slot, .offset = place.offset + entry.bytes};
  last_ = entry.commit;
  bytes_ += entry.bytes;
  return entry;
}

Result<std::optional<JournalEntry>> JournalReader::entry_at(const Place& place) {
  const Slot& slot = slots_[place.slot];
  const auto header = bytes_at(place, kEntryHeaderBytes);
  if (!header) return std::unexpected(header.error());
  const auto size = entry_size(*header);
  if (!size || *size > slot.size - place.offset) return std::nullopt;
  const auto bytes = bytes_at(place, *size);
  if (!bytes) return std::unexpected(bytes.error());
  return read_entry(*bytes, slot.header.salt);
}

Result<std::string_view> JournalReader::bytes_at(const Place& place, std::uint64_t size) {
  const auto held = [&]() -> std::string_view {
    if (place.slot != buffered_.slot || place.offset < buffered_.offset) return {};
    const std::uint64_t from = place.offset - buffered_.offset;
    if (from + size > buffer_.size()) return {};
    return std::string_view(buffer_).substr(from, size);
  };
  if (!buffer_.empty() && !held().empty()) return held();
  buffer_.resize(std::max(size, kReadAhead));
  const auto count = slots_[place.slot].file->read(place.offset, buffer_);
  if (!count) return std::unexpected(count.error());
  buffer_.resize(*count);
  buffered_ = place;
  return std::string_view(buffer_).substr(0, size);
}

Result<std::vector<CommitRange>> JournalReader::copy(JournalDisk& disk, const std::string& to) {
  std::vector<CommitRange> ranges;
  for (std::size_t slot = 0; slot < slots_.size(); ++slot) {
    std::unique_ptr<JournalFile> target;
    const auto write = [&](std::uint64_t offset, std::string_view bytes) -> Result<void> {
      if (to.empty()) return {};
      if (!target) {
        auto made = disk.open(slot_path(to, slot), true);
        if (!made) return std::unexpected(made.error());
        target = std::move(*made);
      }
      return target->write(offset, bytes);
    };
    if (auto written = write(0, slot_header_bytes(slots_[slot].header)); !written)
      return std::unexpected(written.error());
    CommitRange range;
    for (Place place{.slot = slot};;) {
      const auto entry = entry_at(place);
      if (!entry) return std::unexpected(entry.error());
      // Numbers only rise by one within a slot, so another one is what is left of the slot's time before.
      if (!*entry || (range.last != 0 && (*entry)->commit != range.last + 1)) break;
      const std::string_view bytes((*entry)->body.data() - kEntryHeaderBytes, (*entry)->bytes);
      if (auto written = write(place.offset, bytes); !written) return std::unexpected(written.error());
      if (range.last == 0) range.first = (*entry)->commit;
      range.last = (*entry)->commit;
      place.offset += (*entry)->bytes;
    }
    if (range.last != 0) ranges.push_back(range);
  }
  return ranges;
}

}  // namespace forewarm
