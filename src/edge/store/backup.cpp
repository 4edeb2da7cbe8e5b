#include "edge/store/backup.h"

#include <filesystem>
#include <optional>

#include "edge/journal/reader.h"
#include "edge/store/opening.h"

namespace forewarm {

Result<void> copy_messages(const std::string& from, const StoreDirectory& into,
                           const sqlite::CopyProgress& progress) {
  JournalDisk& disk = system_journal_disk();
  // First the journal: what is settled and gone from it later is in the database by the time that is copied.
  auto journal = JournalReader::open(disk, journal_prefix(from), 0);
  if (!journal) return std::unexpected(journal.error());
  const std::string prefix = journal_prefix(into.path());
  if (auto copied = journal->copy(disk, prefix); !copied) return std::unexpected(copied.error());
  if (auto copied = sqlite::copy_database(from + "/messages.db", into.file("messages.db"), progress); !copied)
    return copied;
  {
    auto database = open_database(into, nullptr);
    if (!database) return std::unexpected(database.error());
    const auto settled = settle_journal(*database, into.path(), disk, std::nullopt);
    if (!settled) return std::unexpected(settled.error());
    const sqlite::Code code = database->execute("PRAGMA journal_mode = DELETE");  // one file, without a log
    if (code != sqlite::kOk)
      return std::unexpected(sqlite::to_error(code, "closing", into.file("messages.db")));
  }
  std::error_code failure;
  for (std::size_t slot = 0; std::filesystem::remove(slot_path(prefix, slot), failure); ++slot) {
  }
  if (failure) return error(ErrorCode::Io, "cannot remove " + prefix + "*: " + failure.message());
  return {};
}

}  // namespace forewarm
