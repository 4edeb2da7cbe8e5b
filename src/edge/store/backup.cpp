#include "edge/store/backup.h"

#include <filesystem>
#include <optional>

#include "edge/journal/reader.h"
#include "edge/store/opening.h"

namespace forewarm {
namespace {

/// The slots are copied right after the moment of the database is fixed; a server that begins the first of
/// them anew within that time must settle megabytes first.
constexpr int kTriesToKeepUp = 3;

Result<void> remove_slots(const std::string& prefix) {
  std::error_code failure;
  for (std::size_t slot = 0; std::filesystem::remove(slot_path(prefix, slot), failure); ++slot) {
  }
  if (failure) return error(ErrorCode::Io, "cannot remove " + prefix + "*: " + failure.message());
  return {};
}

/// The database of one moment and the journal from there on; the last commit that was synced by then.
Result<std::optional<std::uint64_t>> copy_files(const std::string& from, const StoreDirectory& into,
                                                const sqlite::CopyProgress& progress) {
  std::optional<std::uint64_t> synced;
  // The journal second: the database lacks messages that commits behind its own remove (Settling).
  const auto copied =
      sqlite::copy_database(from + "/messages.db", into.file("messages.db"), progress, [&]() -> Result<void> {
        const auto mark = SyncedMark::open(from + "/messages.synced");
        if (!mark) return std::unexpected(mark.error());
        const auto read = mark->read();
        if (!read) return std::unexpected(read.error());
        synced = *read;
        auto journal = JournalReader::open(system_journal_disk(), journal_prefix(from), 0);
        if (!journal) return std::unexpected(journal.error());
        const auto ranges = journal->copy(system_journal_disk(), journal_prefix(into.path()));
        return ranges ? Result<void>() : std::unexpected(ranges.error());
      });
  if (!copied) return std::unexpected(copied.error());
  return synced;
}

Result<void> settle_copy(const StoreDirectory& into, std::optional<std::uint64_t> synced) {
  auto database = open_database(into, nullptr);
  if (!database) return std::unexpected(database.error());
  const auto settled = settle_journal(*database, into.path(), system_journal_disk(), synced);
  if (!settled) return std::unexpected(settled.error());
  const sqlite::Code code = database->execute("PRAGMA journal_mode = DELETE");  // one file, without a log
  if (code != sqlite::kOk)
    return std::unexpected(sqlite::to_error(code, "closing", into.file("messages.db")));
  return {};
}

}  // namespace

Result<void> copy_messages(const std::string& from, const StoreDirectory& into,
                           const sqlite::CopyProgress& progress) {
  for (int tries = 1;; ++tries) {
    const auto synced = copy_files(from, into, progress);
    Result<void> settled = synced ? settle_copy(into, *synced) : std::unexpected(synced.error());
    if (auto removed = remove_slots(journal_prefix(into.path())); !removed) return removed;
    if (settled || settled.error().code != ErrorCode::Corrupt || tries == kTriesToKeepUp) return settled;
    std::error_code ignored;
    std::filesystem::remove(into.file("messages.db"), ignored);
  }
}

}  // namespace forewarm
