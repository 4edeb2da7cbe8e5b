#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "edge/signal/line_reader.h"

using namespace forewarm;

/// Any bytes in pieces of any size give the same values. The first byte chooses the format and the piece.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data + 1), size - 1);
  FileSourceOptions options;
  options.format = data[0] % 2 == 0 ? FileSourceOptions::Format::Csv : FileSourceOptions::Format::JsonLines;
  const auto read = [&](std::size_t piece) {
    LineReader reader(options);
    Points points;
    reader.begin_file();
    for (std::size_t at = 0; at < bytes.size(); at += piece)
      reader.feed(bytes.substr(at, piece), time_point_us(0), true, points);
    reader.end_file(time_point_us(0), points);
    return points;
  };
  const Points whole = read(bytes.size() + 1), pieces = read(1 + data[0] / 2);
  check(whole.taken.size() == pieces.taken.size(), "pieces do not change how many values there are");
  check(whole.malformed == pieces.malformed, "pieces do not change what is malformed");
  return 0;
}
