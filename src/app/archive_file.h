#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "edge/archive/object_store.h"
#include "edge/history/history_tables.h"

namespace forewarm {

inline constexpr Duration kArchiveDay = 24h;
/// A day's text is handled in memory.
inline constexpr std::size_t kArchiveTextBytesMax = 1U << 30;

/// One file of an archive: what is measured on one UTC day in intervals of one width.
struct ArchiveFile {
  SeriesKind kind = SeriesKind::Queue;
  Duration step{0};
  TimePoint day;

  /// "queue/step=10s/2026-03-01.csv.gz"
  std::string name() const;
  /// None for a name that is not made like this.
  static std::optional<ArchiveFile> parse(std::string_view name);
};

/// The text of an archive's file, whose first line is as it should be. Corrupt, with the place and the
/// remedy, when it is damaged or something else.
Result<std::string> read_archive_file(ObjectStore& store, const ArchiveFile& file);

/// All rows of both texts, which begin with the same header, in the order of series and time. Where both have
/// an interval, it is `ours`.
std::string merged_csv(std::string_view ours, std::string_view theirs);

}  // namespace forewarm
