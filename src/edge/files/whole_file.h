#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace forewarm {

struct ReplaceOptions {
  unsigned mode = 0644;
  bool outlives_power_cut = true;  ///< costs two syncs
};
/// Replaces the file, or makes it, so that whoever reads it, after a power cut too, finds the old bytes or
/// all of the new ones: written aside as PATH.new, synced, renamed, the folder synced. Io with the reason:
/// the old file still stands, or, where only the folder's sync failed, which of the two will is not known.
Result<void> replace_file(const std::string& path, std::string_view bytes,
                          const ReplaceOptions& options = {});

/// None where there is no such file; Io with the reason where it is there and cannot be read.
Result<std::optional<std::string>> read_file_if_any(const std::string& path);

/// As above; where there is no such file, NotFound. Either message ends with the remedy.
Result<std::string> read_whole_file(const std::string& path, std::string_view remedy = {});

/// What was made, renamed or removed beside `path` outlives a power cut.
Result<void> sync_folder_of_file(const std::string& path);

}  // namespace forewarm
