// A journal of one slot with any bytes in it is read to its end, and past damage to the end of the file.

#include <algorithm>
#include <cstdlib>
#include <string>

#include "edge/journal/reader.h"

namespace {

using namespace forewarm;

class OneFile final : public JournalFile {
 public:
  explicit OneFile(const std::string& bytes) : bytes_(bytes) {}
  Result<std::size_t> read(std::uint64_t offset, std::span<char> into) const override {
    if (offset >= bytes_.size()) return 0;
    return bytes_.copy(into.data(), into.size(), offset);
  }
  Result<void> write(std::uint64_t, std::string_view) override { std::abort(); }
  Result<void> truncate(std::uint64_t) override { std::abort(); }
  Result<void> sync() override { std::abort(); }
  Result<std::uint64_t> size() const override { return bytes_.size(); }

 private:
  const std::string& bytes_;
};

class OneFileDisk final : public JournalDisk {
 public:
  explicit OneFileDisk(std::string bytes) : bytes_(std::move(bytes)) {}
  Result<std::unique_ptr<JournalFile>> open(const std::string& path, bool) override {
    if (path != "slot0") return error(ErrorCode::NotFound, path);
    return std::make_unique<OneFile>(bytes_);
  }
  std::uint64_t free_bytes(const std::string&) override { return 0; }

 private:
  std::string bytes_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  // A right header, and entries sealed by the fuzzer's bytes among what is not: checksums are not guessed.
  const SlotHeader header{.sequence = 1, .salt = 7};
  std::string bytes = slot_header_bytes(header);
  bytes.resize(kEntriesFrom);
  std::uint64_t commit = 0;
  for (std::size_t at = 0; at < size;) {
    const std::size_t length = std::min<std::size_t>(size - at, data[at] % 64U + 1U);
    const std::string part(reinterpret_cast<const char*>(data) + at, length);
    if (data[at] >= 128) {
      std::string entry = std::string(kEntryHeaderBytes, '\0') + part;
      commit += 1 + data[at] % 3U / 2U;
      seal_entry(entry, commit, commit - 1, header.salt);
      bytes += entry;
    } else {
      bytes += part;
    }
    at += length;
  }
  OneFileDisk disk(std::move(bytes));
  auto reader = JournalReader::open(disk, "slot", 0);
  if (!reader) std::abort();
  for (std::uint64_t last = 0;; last = reader->last()) {
    auto entry = reader->next();
    if (entry && !*entry) entry = reader->skip_damage();
    if (!entry) std::abort();
    if (!*entry) break;
    if (reader->last() <= last || (*entry)->commit != reader->last()) std::abort();
  }
  if (!reader->copy(disk, "")) std::abort();
  return 0;
}
