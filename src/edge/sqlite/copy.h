#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/result.h"

namespace forewarm::sqlite {

/// Called now and then with the pages copied so far and their number; false gives up.
using CopyProgress = std::function<bool(std::uint64_t copied, std::uint64_t total)>;

/// Copies the database `from` to the new file `to` as it is at one moment, while others write to it (SQLite's
/// online backup API, https://sqlite.org/backup.html). The copy is one file without a log, synced.
///
/// One read transaction is held for the whole copy: without it SQLite begins anew after every foreign commit
/// and would never end under load. The source's log is not begun anew meanwhile, so it grows.
/// `begun` is called at that moment, before anything is copied; its error ends the copy.
/// NotFound if there is no such database, Closed if `progress` gave up, else as to_error() says.
Result<void> copy_database(const std::string& from, const std::string& to, const CopyProgress& progress,
                           const std::function<Result<void>()>& begun = {});

/// What PRAGMA integrity_check says of the database, a line each; empty for an intact one. At most
/// `lines_max`.
Result<std::vector<std::string>> integrity_problems(const std::string& path, int lines_max = 100);

}  // namespace forewarm::sqlite
