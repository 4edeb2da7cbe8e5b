#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "edge/journal/disk.h"
#include "edge/sqlite/sqlite.h"
#include "edge/store/directory.h"
#include "edge/store/format.h"
#include "edge/store/store.h"

namespace forewarm {

/// Opens the writer's connection to messages.db in `directory`, making the file if there is none: log, page
/// size, format. A file of another program or of a newer format is refused and left as it is.
Result<sqlite::Connection> open_database(const StoreDirectory& directory, const char* vfs);

/// The one row of the table `state`. Corrupt if it is gone or its checksum is wrong.
Result<StoreState> read_store_state(const sqlite::Connection& connection, const std::string& path);

/// DIR/messages.journal-
std::string journal_prefix(const std::string& directory);

/// Brings the tables of the store in `directory` up to its journal's end. The result is the table `state`
/// then. Corrupt if commits are missing in the journal, or at its end, where `synced` was acknowledged; then
/// nothing is changed.
Result<StoreState> settle_journal(sqlite::Connection& connection, const std::string& directory,
                                  JournalDisk& disk, std::optional<std::uint64_t> synced);

/// Reads everything but payloads, verifies it, and hands it to `recovery`. The result is the table `state`.
Result<StoreState> recover(const sqlite::Connection& connection, const std::string& path,
                           const Store::Recovery& recovery);

}  // namespace forewarm
