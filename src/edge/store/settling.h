#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>

#include "base/result.h"
#include "edge/journal/reader.h"
#include "edge/sqlite/sqlite.h"
#include "edge/store/store.h"
#include "edge/store/tables.h"

namespace forewarm {

/// What a stretch of the journal comes to, written to the tables in one transaction.
///
/// Most messages are sent, received and removed within seconds: of those nothing is written at all. What a
/// message from before the stretch goes through is written to its row in order, but for its leases, of which
/// the last one counts.
class Settling {
 public:
  /// `path` is messages.db's, for errors.
  Settling(Tables& tables, std::string path) : tables_(tables), path_(std::move(path)) {}

  /// Reads up to the commit `up_to`, or to the journal's end if that is nearer, and commits. After an error
  /// the tables are as they were.
  Result<void> run(JournalReader& journal, std::uint64_t up_to);
  /// Adds one body's writes to the stretch; for a journal that is read past damage.
  Result<void> add(std::string_view body);
  /// Writes what the stretch comes to, without beginning or ending the transaction.
  Result<void> write();
  /// True if the error was a sync that failed.
  bool sync_failed() const { return sqlite::sync_failed(code_); }

 private:
  struct Lease {
    std::uint16_t receive_count = 0;
    TimePoint visible_at{};
  };

  Result<void> read(JournalReader& journal, std::uint64_t up_to);
  Result<void> done(sqlite::Code code);

  sqlite::Code apply(AppendMessage write);
  sqlite::Code apply(const RemoveMessage& write);
  sqlite::Code apply(const UpdateMessage& write);
  sqlite::Code apply(const MoveMessage& write);
  sqlite::Code apply(const PurgeQueue& write);
  sqlite::Code apply(PutRecord write);
  sqlite::Code apply(RemoveRecord write);

  Tables& tables_;
  std::string path_;
  sqlite::Code code_ = sqlite::kOk;
  std::uint64_t last_message_ = 0;
  std::map<std::uint64_t, StoredMessage> born_;  ///< appended in this stretch and still there
  std::unordered_map<std::uint64_t, Lease> leases_;
  std::map<std::string, std::optional<std::string>> records_;  ///< none: removed
};

}  // namespace forewarm
