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

/// `text` as a gzip file (RFC 1952) without a name or a time stamp: the same text gives the same bytes, with
/// one version of zlib.
std::string gzip_text(std::string_view text);
/// What is in a gzip file. Corrupt, beginning with `name`, when it is none, ends too early, fails its
/// checksum or has bytes behind it; Exhausted when there are more than `bytes_max`.
Result<std::string> gunzip_text(std::string_view gzip, const std::string& name, std::size_t bytes_max);

}  // namespace forewarm
