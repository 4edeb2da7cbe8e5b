#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace forewarm {

/// Reads a file in pieces, decompressed if it is gzip. Stops at the first error that `take` returns.
/// `progress`, if given, gets the share of the file that has been read. Io when it cannot be opened or read;
/// Corrupt when the compressed data is damaged or ends too early.
Result<void> read_file_pieces(const std::string& path,
                              const std::function<Result<void>(std::string_view)>& take,
                              const std::function<void(double)>& progress = {});

}  // namespace forewarm
