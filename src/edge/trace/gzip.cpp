#include "edge/trace/gzip.h"

#include <zlib.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <memory>
#include <system_error>
#include <vector>

namespace forewarm {
namespace {

struct Closer {
  void operator()(gzFile file) const { gzclose_r(file); }
};

}  // namespace

Result<void> read_file_pieces(const std::string& path,
                              const std::function<Result<void>(std::string_view)>& take,
                              const std::function<void(double)>& progress) {
  constexpr unsigned kPieceBytes = 256 << 10;
  errno = 0;
  const std::unique_ptr<gzFile_s, Closer> file(gzopen(path.c_str(), "rb"));
  if (!file) return error(ErrorCode::Io, path + ": cannot be opened: " + std::strerror(errno));
  gzbuffer(file.get(), kPieceBytes);
  std::vector<char> piece(kPieceBytes);
  std::error_code unknown;
  const auto whole = static_cast<double>(std::filesystem::file_size(path, unknown));
  for (;;) {
    errno = 0;
    const int count = gzread(file.get(), piece.data(), kPieceBytes);
    // A gzip file that was cut off reads its last bytes without complaint; only gzerror tells.
    int code = Z_OK;
    const std::string detail = gzerror(file.get(), &code);
    if (code == Z_ERRNO) return error(ErrorCode::Io, path + ": cannot be read: " + std::strerror(errno));
    if (code == Z_BUF_ERROR)
      return error(ErrorCode::Corrupt,
                   path + ": the compressed data ends too early; copy or download it again");
    if (count < 0 || (code != Z_OK && code != Z_STREAM_END))
      return error(ErrorCode::Corrupt, path + ": the compressed data is damaged: " + detail);
    if (count == 0) return {};
    if (progress && !unknown && whole > 0) progress(static_cast<double>(gzoffset(file.get())) / whole);
    if (Result<void> taken = take({piece.data(), static_cast<std::size_t>(count)}); !taken) return taken;
  }
}

}  // namespace forewarm
