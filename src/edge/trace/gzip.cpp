#include "edge/trace/gzip.h"

#include <zlib.h>

#include <cerrno>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <system_error>
#include <vector>

#include "base/check.h"

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
  if (!file)
    return error(ErrorCode::Io, path + ": cannot be opened: " + std::generic_category().message(errno));
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
    if (code == Z_ERRNO)
      return error(ErrorCode::Io, path + ": cannot be read: " + std::generic_category().message(errno));
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

std::string gzip_text(std::string_view text) {
  constexpr int kGzipWindow = 15 + 16;
  constexpr int kMemoryLevel = 8;
  z_stream stream{};
  check(text.size() < UINT32_MAX, "what is compressed at once is below 4 GiB");
  check(deflateInit2(&stream, Z_BEST_COMPRESSION, Z_DEFLATED, kGzipWindow, kMemoryLevel,
                     Z_DEFAULT_STRATEGY) == Z_OK,
        "zlib has memory for one stream");
  std::string out(deflateBound(&stream, text.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  const int code = deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  check(code == Z_STREAM_END, "the output has the room that zlib asked for");
  return out;
}

Result<std::string> gunzip_text(std::string_view gzip, const std::string& name, std::size_t bytes_max) {
  constexpr int kGzipOnly = 15 + 16;
  constexpr std::size_t kPieceBytes = 256 << 10;
  z_stream stream{};
  check(inflateInit2(&stream, kGzipOnly) == Z_OK, "zlib has memory for one stream");
  const std::unique_ptr<z_stream, int (*)(z_streamp)> ended(&stream, &inflateEnd);
  check(gzip.size() < UINT32_MAX, "what is decompressed at once is below 4 GiB");
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(gzip.data()));
  stream.avail_in = static_cast<uInt>(gzip.size());
  std::string out;
  for (int code = Z_OK; code != Z_STREAM_END;) {
    const std::size_t begin = out.size();
    out.resize(begin + kPieceBytes);
    stream.next_out = reinterpret_cast<Bytef*>(out.data() + begin);
    stream.avail_out = kPieceBytes;
    code = inflate(&stream, Z_NO_FLUSH);
    out.resize(out.size() - stream.avail_out);
    if (code == Z_BUF_ERROR || (code == Z_OK && stream.avail_in == 0 && stream.avail_out > 0))
      return error(ErrorCode::Corrupt, name + ": the compressed data ends too early");
    if (code != Z_OK && code != Z_STREAM_END) {
      return error(ErrorCode::Corrupt, name + ": the compressed data is damaged: " +
                                           (stream.msg != nullptr ? stream.msg : "it is not gzip"));
    }
    if (out.size() > bytes_max)
      return error(ErrorCode::Exhausted, name + ": it holds more than " + std::to_string(bytes_max >> 20) +
                                             " MB, more than is read at once");
  }
  if (stream.avail_in > 0)
    return error(ErrorCode::Corrupt, name + ": there are bytes behind the compressed data");
  return out;
}

}  // namespace forewarm
