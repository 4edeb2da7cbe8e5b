#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>

#include "base/result.h"
#include "edge/journal/journal.h"
#include "edge/journal/reader.h"
#include "edge/sqlite/sqlite.h"
#include "edge/store/store.h"
#include "edge/store/tables.h"

namespace forewarm {

inline constexpr std::uint64_t kWholeStretch = std::numeric_limits<std::uint64_t>::max();

/// A stretch of a journal, from where its reader stands.
struct Stretch {
  std::uint64_t up_to = 0;                  ///< its last commit, or the journal's end if that is nearer
  std::uint64_t bytes_max = kWholeStretch;  ///< of its entries: it ends with the one that reaches this
  std::uint64_t foreseen_to = 0;            ///< what commits behind it, up to this one, remove is known
};

/// What a stretch of the journal comes to, written to the tables in one transaction.
///
/// Most messages are sent, received and removed within seconds: of those nothing is written at all, nor of
/// those that a synced commit behind the stretch removes: whoever reads the journal from there on meets that
/// commit too, and to change or remove what is not there changes nothing. What a message from before the
/// stretch goes through is written to its row in order, but for its leases, of which the last one counts.
class Settling {
 public:
  /// `path` is messages.db's, for errors.
  Settling(Tables& tables, std::string path) : tables_(tables), path_(std::move(path)) {}

  /// Reads and commits a stretch, and says what it was. After an error the tables are as they were.
  Result<JournalPosition> run(JournalReader& journal, const Stretch& stretch);
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

  Result<void> read(JournalReader& journal, const Stretch& stretch);
  Result<void> foresee(JournalReader& journal, std::uint64_t up_to);
  bool forget(MessageId message);
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
