#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"

namespace forewarm {

/// One call that changed something, or was to.
struct AuditEntry {
  TimePoint time;
  std::string principal;  ///< a token's name, an access key, "loopback" or "anonymous"
  std::string action;     ///< "admin:putFunction", "sqs:PurgeQueue"
  std::string target;     ///< a path, or a queue's name
  std::string result;     ///< "ok", or why not
  std::string details;    ///< what was asked for, where that says more; empty: nothing
};

/// Who changed what: JSON lines, only ever appended to, in files that are rotated.
///
/// A line is with the operating system before the next call is answered: it survives a kill, and a power cut
/// as far as the system has written. docs/formats/audit.md has the format.
class AuditLog {
 public:
  struct Options {
    std::string directory;
    std::uint64_t file_bytes_max = 16U << 20;
    std::size_t files_max = 8;  ///< the oldest goes first
  };
  explicit AuditLog(Options options);
  ~AuditLog();
  AuditLog(const AuditLog&) = delete;
  AuditLog& operator=(const AuditLog&) = delete;

  /// Says what could not be written, if so.
  Result<void> append(const AuditEntry& entry);

 private:
  Result<void> open();
  void rotate();

  Options options_;
  int file_ = -1;
  std::uint64_t bytes_ = 0;
};

/// The newest `limit` lines of the files in a folder, the oldest of them first; empty if there are none.
std::vector<std::string> read_audit(const std::string& directory, std::size_t limit);

}  // namespace forewarm
