#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "app/archive_file.h"
#include "app/history_import.h"
#include "edge/archive/object_store.h"

namespace forewarm {

/// The share 0..1 that is done, and what is being done.
using ArchiveProgress = std::function<void(double share, std::string_view detail)>;

struct ArchiveOptions {
  std::vector<std::string> names{};  ///< only these queues and signals; empty: all
  TimePoint from{};                  ///< a midnight (UTC)
  TimePoint to;                      ///< a midnight, after the last day
  bool dry_run = false;
};

struct ArchiveReport {
  struct Sent {
    std::string name;
    std::uint64_t size_bytes = 0;
  };
  std::vector<Sent> sent;  ///< or what would be, in a dry run
  std::uint64_t unchanged = 0;
};

/// Writes each day and width of intervals to a file of its own, unless what is there is the same. A file that
/// is there and differs keeps the rows that are not in the database (any more): history is joined to wider
/// intervals as it grows old, bit by bit, and the archive must not lose what the database does.
Result<ArchiveReport> archive_history(HistoryDatabase& database, ObjectStore& store,
                                      const ArchiveOptions& options, const ArchiveProgress& progress);

struct RestoreOptions {
  std::vector<std::string> names{};  ///< only these queues and signals; empty: all
  TimePoint now;
  bool replace = false;
};

struct RestoreReport {
  std::uint64_t files = 0;
  Filled intervals;
};

/// The files of an archive whose day is in [from, to), finer intervals first, so that wider ones fill only
/// what these leave open. NotFound when there are none.
Result<std::vector<ArchiveFile>> list_archive(ObjectStore& store, TimePoint from, TimePoint to);

/// Brings files back, each in one transaction. After an error the files before it stay.
Result<RestoreReport> restore_history(HistoryDatabase& database, ObjectStore& store,
                                      const std::vector<ArchiveFile>& files, const RestoreOptions& options,
                                      const ArchiveProgress& progress);

}  // namespace forewarm
