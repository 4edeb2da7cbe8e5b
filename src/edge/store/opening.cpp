#include "edge/store/opening.h"

#include <sqlite3.h>

#include <algorithm>
#include <string>

#include "edge/files/whole_file.h"
#include "edge/journal/reader.h"
#include "edge/store/settler.h"
#include "edge/store/settling.h"
#include "edge/store/tables.h"

namespace forewarm {

using sqlite::Code;
using sqlite::kOk;

namespace {

constexpr const char* kRemedy =
    " Stop here, keep a copy of the directory, then restore a backup, or save what can be read with: "
    "forewarm doctor --data DIR --salvage NEW_DIR";

std::unexpected<Error> corrupt(const std::string& path, const std::string& what) {
  return error(ErrorCode::Corrupt, path + " is damaged: " + what + "." + kRemedy);
}

Result<void> configure(sqlite::Connection& connection, bool create, const std::string& path) {
  // Without secure_delete (on in Debian's build) a removal does not rewrite the pages that it frees.
  constexpr const char* kSettings =
      "PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0; PRAGMA secure_delete = OFF; "
      "PRAGMA synchronous = FULL; PRAGMA cache_size = -8192; PRAGMA temp_store = MEMORY; "
      "PRAGMA cell_size_check = ON; "
      "PRAGMA journal_size_limit = 16777216";
  Code code = create ? connection.execute("PRAGMA page_size = 4096") : kOk;
  if (code == kOk) code = connection.execute(kSettings);
  if (code == kOk && create) code = create_tables(connection);
  if (code != kOk) return std::unexpected(sqlite::to_error(code, "opening", path));
  return {};
}

Result<void> update_format(sqlite::Connection& connection, const std::string& path) {
  sqlite::Statement format;
  Code code = format.prepare(connection, "PRAGMA user_version");
  const std::int64_t found = code == kOk && format.next() ? format.integer(0) : kStoreFormat;
  if (code == kOk) code = format.code();
  format.reset();
  if (code == kOk && found < kStoreFormat) code = bring_up_to_date(connection, found);
  if (code != kOk) return std::unexpected(sqlite::to_error(code, "opening", path));
  return {};
}

Result<void> read_messages(const sqlite::Connection& connection, const std::string& path, StoreState& found,
                           const Store::Recovery& recovery) {
  sqlite::Statement row;
  const std::string sql = std::string("SELECT ") + kMessageColumns + " FROM messages ORDER BY id";
  const Code code = row.prepare(connection, sql.c_str());
  if (code != kOk) return std::unexpected(sqlite::to_error(code, "reading", path));
  while (row.next()) {
    const Message message = read_message(row);
    if (!is_intact(message, row)) {
      return corrupt(path, "message " + std::to_string(message.id.value()) + " has a wrong checksum");
    }
    found.add(message.id);
    found.last_message = std::max(found.last_message, message.id.value());
    if (recovery.message) recovery.message(message);
  }
  if (row.code() != kOk) return std::unexpected(sqlite::to_error(row.code(), "reading", path));
  return {};
}

Result<void> read_records(const sqlite::Connection& connection, const std::string& path, StoreState& found,
                          const Store::Recovery& recovery) {
  sqlite::Statement row;
  const Code code = row.prepare(connection, "SELECT key, value, checksum FROM records ORDER BY key");
  if (code != kOk) return std::unexpected(sqlite::to_error(code, "reading", path));
  while (row.next()) {
    const std::string_view key = row.bytes(0);
    const std::string_view value = row.bytes(1);
    if (row.unsigned_integer(2) != record_checksum(key, value)) {
      return corrupt(path, "the record '" + std::string(key) + "' has a wrong checksum");
    }
    found.add_record(key);
    if (recovery.record) recovery.record(key, value);
  }
  if (row.code() != kOk) return std::unexpected(sqlite::to_error(row.code(), "reading", path));
  return {};
}

/// Reads the journal to its end, which must be where it ended.
Result<std::uint64_t> last_commit(JournalReader& journal, std::optional<std::uint64_t> synced,
                                  const std::string& prefix) {
  for (;;) {
    const auto entry = journal.next();
    if (!entry) return std::unexpected(entry.error());
    if (!*entry) break;
  }
  const std::uint64_t last = journal.last();
  const auto beyond = journal.find_damage();
  if (!beyond) return std::unexpected(beyond.error());
  if (*beyond) {
    return corrupt(prefix + "*", "commit " + std::to_string(last + 1) + " cannot be read, but number " +
                                     std::to_string((*beyond)->commit) + " is there");
  }
  if (!synced || *synced <= last) return last;
  return corrupt(prefix + "*", "the last commit is number " + std::to_string(last) + ", but number " +
                                   std::to_string(*synced) +
                                   " was acknowledged, so the end of the journal is damaged or gone (if you "
                                   "restored an older backup on purpose, delete messages.synced)");
}

}  // namespace

Result<StoreState> read_store_state(const sqlite::Connection& connection, const std::string& path) {
  sqlite::Statement row;
  const Code code =
      row.prepare(connection,
                  "SELECT commits, last_message, messages, message_digest, records, record_digest, "
                  "checksum FROM state WHERE one = 1");
  if (code != kOk) return std::unexpected(sqlite::to_error(code, "reading", path));
  if (!row.next()) {
    if (row.code() != kOk) return std::unexpected(sqlite::to_error(row.code(), "reading", path));
    return corrupt(path, "the row of the table state is gone");
  }
  const StoreState state{.commits = row.unsigned_integer(0),
                         .last_message = row.unsigned_integer(1),
                         .messages = row.unsigned_integer(2),
                         .message_digest = row.unsigned_integer(3),
                         .records = row.unsigned_integer(4),
                         .record_digest = row.unsigned_integer(5)};
  if (row.unsigned_integer(6) != state.checksum())
    return corrupt(path, "the table state has a wrong checksum");
  return state;
}

Result<sqlite::Connection> open_database(const StoreDirectory& directory, const char* vfs) {
  const std::string path = directory.file("messages.db");
  sqlite::Connection connection;
  const Code code = connection.open(path, vfs, true);
  if (code != kOk) return std::unexpected(sqlite::to_error(code, "opening", path));
  sqlite3_busy_timeout(connection.handle(), kBusyWaitMs);
  const auto known = sqlite::is_known(connection, path, kStoreApplication, kStoreFormat);
  if (!known) {
    connection.forbid_checkpoint_on_close();
    return std::unexpected(known.error());
  }
  if (auto configured = configure(connection, !*known, path); !configured) {
    return std::unexpected(configured.error());
  }
  if (auto updated = update_format(connection, path); !updated) return std::unexpected(updated.error());
  if (!*known) {
    if (auto synced = sync_folder_of_file(path); !synced) return std::unexpected(synced.error());
  }
  return connection;
}

std::string journal_prefix(const std::string& directory) {
  return directory + "/messages.journal-";
}

Result<StoreState> settle_journal(sqlite::Connection& connection, const std::string& directory,
                                  JournalDisk& disk, std::optional<std::uint64_t> synced) {
  const std::string path = directory + "/messages.db";
  const std::string prefix = journal_prefix(directory);
  const auto state = read_store_state(connection, path);
  if (!state) return std::unexpected(state.error());
  auto ahead = JournalReader::open(disk, prefix, state->commits);
  if (!ahead) return std::unexpected(ahead.error());
  const auto last = last_commit(*ahead, synced, prefix);
  if (!last) return std::unexpected(last.error());
  if (*last == state->commits) return *state;
  auto journal = JournalReader::open(disk, prefix, state->commits);
  if (!journal) return std::unexpected(journal.error());
  Tables tables(connection, *state);
  if (const Code code = tables.prepare(); code != kOk)
    return std::unexpected(sqlite::to_error(code, "opening", path));
  if (auto settled = Settling(tables, path).run(*journal, {.up_to = *last}); !settled)
    return std::unexpected(settled.error());
  return tables.state();
}

Result<StoreState> recover(const sqlite::Connection& connection, const std::string& path,
                           const Store::Recovery& recovery) {
  const auto state = read_store_state(connection, path);
  if (!state) return std::unexpected(state.error());
  StoreState found{.commits = state->commits, .last_message = state->last_message};
  if (auto read = read_messages(connection, path, found, recovery); !read)
    return std::unexpected(read.error());
  if (found.messages != state->messages || found.message_digest != state->message_digest) {
    return corrupt(path, "the table messages holds " + std::to_string(found.messages) + " messages, but " +
                             std::to_string(state->messages) + " were stored, or they are not the same ones");
  }
  if (auto read = read_records(connection, path, found, recovery); !read)
    return std::unexpected(read.error());
  if (found != *state) {
    return corrupt(path, "the table records holds " + std::to_string(found.records) + " records, but " +
                             std::to_string(state->records) + " were stored, or they are not the same ones");
  }
  return *state;
}

}  // namespace forewarm
