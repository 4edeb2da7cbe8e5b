#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"

namespace forewarm {

/// One file of a journal. Two threads may read and write different parts of it at once.
class JournalFile {
 public:
  virtual ~JournalFile() = default;

  /// Bytes read: fewer than asked for at the end of the file only.
  virtual Result<std::size_t> read(std::uint64_t offset, std::span<char> into) const = 0;
  /// All of `bytes`, or an error after which a part of them may be there. Exhausted if the disk is full.
  virtual Result<void> write(std::uint64_t offset, std::string_view bytes) = 0;
  virtual Result<void> truncate(std::uint64_t size) = 0;
  /// fdatasync(2): after it what was written survives a power cut. After a failure nothing is known of what
  /// was written before.
  virtual Result<void> sync() = 0;
  virtual Result<std::uint64_t> size() const = 0;
};

/// Where a journal's files lie; another one in tests, which fails on request.
class JournalDisk {
 public:
  virtual ~JournalDisk() = default;

  /// NotFound if it is not there and not to be made. The name of a new file survives a power cut.
  virtual Result<std::unique_ptr<JournalFile>> open(const std::string& path, bool create) = 0;
  /// That this process may still fill on the disk that `path` lies on; 0 if that is not known.
  virtual std::uint64_t free_bytes(const std::string& path) = 0;
};

JournalDisk& system_journal_disk();

}  // namespace forewarm
